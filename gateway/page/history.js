// The section "history": which period is shown, what the gateway says of it, and the numbers at the pointer.

import * as api from "./api.js";
import { COUNTER_KEYS, NAMES, POWER_KEYS, energies, namesIn, powers, reasonOf, sums } from "./balance.js";
import { fromTemplate, setHidden, setText } from "./bind.js";
import { gapsOf } from "./chart.js";
import { draw } from "./drawing.js";
import { UNIT_GAP, energy, percent, power } from "./format.js";
import { KINDS, RESOLUTIONS, beside, columnTitle, groupsOf, holds, periodOf, titleOf, today, turned } from "./periods.js";
import { words } from "./strings.js";
import { tableOf } from "./table.js";
import { Watch, failureWords } from "./watch.js";

const EVERY_MS = 60_000;
const WHOLE = 0.95; // from here on a mean stands for its whole bucket
const WAYS = {
  W: { grid: { up: "importing", down: "exporting" }, battery: { up: "battery_discharging", down: "battery_charging" } },
  Wh: { grid: { up: "imported", down: "exported" }, battery: { up: "discharged", down: "charged" } },
};
const FORMATS = { W: power, Wh: energy };

const byId = (id) => document.getElementById(id);
const isPower = (kind) => kind === "day" || kind === "week";

/** A part in words, in lines: how much, and which way where there are two. */
function partWords(name, part, unit) {
  if (!part) return "";
  if (part.reason) return words(`gap_${part.reason}`);
  const format = FORMATS[unit];
  const names = WAYS[unit][name];
  if (!names) return format(name === "pv" ? part.up - part.down : part.down - part.up);
  const ways = ["up", "down"].filter((way) => part[way] > 0);
  return ways.length === 0 ? format(0) : ways.map((way) => `${format(part[way])} ${words(names[way])}`).join("\n");
}

class Chip {
  constructor(name, onToggle) {
    this.element = fromTemplate("legend-chip");
    this.element.classList.add(`of-${name}`);
    this.element.dataset.series = name;
    this.element.querySelector("[data-chip-name]").textContent = words(name);
    this.element.addEventListener("click", onToggle);
    this._figure = this.element.querySelector("[data-chip-figure]");
  }

  render(isOn, text) {
    this.element.setAttribute("aria-pressed", String(isOn));
    if (this._text === text) return;
    this._text = text;
    this._figure.replaceChildren(...text.split("\n").map(figureLine));
  }
}

/** The number, and softer the words behind it. */
function figureLine(text) {
  const line = document.createElement("span");
  const [figure, ...way] = text.split(" ");
  if (!figure.includes(UNIT_GAP)) {
    line.textContent = text;
    return line;
  }
  const soft = document.createElement("small");
  soft.textContent = way.join(" ");
  line.append(figure, ...(way.length > 0 ? [" ", soft] : []));
  return line;
}

export class History {
  constructor() {
    this._section = byId("history");
    this._chart = byId("history-chart");
    this._svg = this._chart.querySelector("svg");
    this._table = byId("history-table");
    this._tabs = KINDS.map((kind) => this._tab(kind));
    this._chips = new Map(NAMES.map((name) => [name, new Chip(name, () => this._toggle(name))]));
    byId("history-legend").append(...[...this._chips.values()].map((chip) => chip.element));
    byId("history-back").addEventListener("click", () => this._show(beside(this._period, -1)));
    byId("history-on").addEventListener("click", () => this._show(beside(this._period, 1)));
    byId("history-today").addEventListener("click", () => this._show(periodOf(this._period.kind, this._today())));
    this._table.addEventListener("toggle", () => this._renderTable());
    this._listen();
    new ResizeObserver(() => this._draw()).observe(this._chart);
    this._watch = new Watch(this._section, () => this._loadAgain(), EVERY_MS);
    this._chart.setAttribute("aria-label", words("history"));
  }

  /** `nowMs()` tells the gateway's time. */
  open(token, site, nowMs) {
    this._token = token;
    this._site = site;
    this._nowMs = nowMs;
    this._zone = undefined;
    this._off = new Set();
    this._show(periodOf("day", this._today()));
  }

  close() {
    this._watch.stop();
    this._loading = null;
    this._follows = false;
    this._forget();
  }

  /** The period of today stays the one of today, also over midnight and when the right time becomes known. */
  render() {
    if (this._follows && !holds(this._period, this._today())) this._show(periodOf(this._period.kind, this._today()));
  }

  _today() {
    return today(this._nowMs(), this._zone);
  }

  _tab(kind) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words(kind);
    button.dataset.kind = kind;
    button.addEventListener("click", () => this._show(turned(this._period, kind, this._today())));
    byId("history-kinds").append(button);
    return button;
  }

  _show(period) {
    this._period = period;
    this._follows = holds(period, this._today());
    this._forget();
    this._renderPeriod();
    this._say(words("loading"));
    this._watch.start();
  }

  _forget() {
    this._view = null;
    this._at = null;
    this._svg.replaceChildren();
    this._render();
    this._renderTable();
  }

  _renderPeriod() {
    for (const tab of this._tabs) tab.setAttribute("aria-pressed", String(tab.dataset.kind === this._period.kind));
    setText(byId("history-period"), titleOf(this._period));
    const isNow = holds(this._period, this._today());
    byId("history-on").disabled = isNow || this._period.from > this._today();
    setHidden(byId("history-today"), isNow);
  }

  /** Loads what is shown; a period that is over is loaded once. False: it failed. */
  async _loadAgain() {
    const period = this._period;
    if (this._view?.period === period && this._view.isOver) return true;
    const loading = { period };
    this._loading = loading;
    try {
      const answer = await api.history(this._token, this._site, query(period));
      if (this._loading === loading && this._period === period) this._take(period, answer);
    } catch (failure) {
      const text = failureWords(failure);
      if (this._loading === loading && this._period === period) this._say(text);
      return false;
    }
    return true;
  }

  _take(period, answer) {
    this._zone = answer.timezone;
    const { kind } = period;
    const columns = isPower(kind) ? powers(answer) : energies(answer, groupsOf(kind, answer.times));
    const names = namesIn(columns);
    const isOver = Date.parse(answer.to) < this._nowMs() && !names.some((name) => columns.some(({ parts }) => parts[name].reason === "not_yet"));
    this._view = { period, kind, columns, names, sums: sums(answer), unit: isPower(kind) ? "W" : "Wh", isOver };
    this._say(names.length === 0 ? words("no_history") : "");
    this._renderPeriod();
    this._draw();
  }

  _say(text) {
    setText(byId("history-note"), text);
    setHidden(byId("history-note"), text === "");
  }

  _toggle(name) {
    if (this._off.has(name)) this._off.delete(name);
    else this._off.add(name);
    this._draw();
  }

  _draw() {
    const view = this._view;
    if (!view || this._section.closest("[hidden]")) return;
    view.shown = view.names.filter((name) => !this._off.has(name));
    const nowMs = this._nowMs();
    view.drawn = draw(this._svg, { ...view, names: view.shown, nowMs });
    const reasons = new Set(gapsOf(view.columns, view.shown, nowMs).map(({ reason }) => words(`gap_${reason}`)));
    const hatched = reasons.size > 0 ? words("hatched", { reasons: [...reasons].join(", ") }) : "";
    setText(byId("history-hint"), [words("above_below"), hatched].filter(Boolean).join(" "));
    this._render();
    this._renderTable();
  }

  _listen() {
    const chart = this._chart;
    const follow = (event) => this._point(this._view?.drawn?.places.at(event.clientX - this._svg.getBoundingClientRect().left) ?? -1);
    chart.addEventListener("pointermove", follow);
    chart.addEventListener("pointerdown", follow);
    chart.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this._point(-1));
    chart.addEventListener("blur", () => this._point(-1));
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Escape: null }[event.key];
      if (step === undefined || !this._view) return;
      event.preventDefault();
      const last = this._view.columns.length - 1;
      this._point(step === null ? -1 : Math.min(last, Math.max(0, (this._at ?? (step > 0 ? -1 : last + 1)) + step)));
    });
  }

  _point(place) {
    const at = place < 0 || !this._view?.columns[place] ? null : place;
    if (at === this._at) return;
    this._at = at;
    this._render();
  }

  /** The numbers at the pointer, or of the whole period. */
  _render() {
    const view = this._view;
    const column = view && this._at !== null ? view.columns[this._at] : null;
    const parts = column ? column.parts : view?.sums ?? {};
    for (const [name, chip] of this._chips) {
      setHidden(chip.element, !view?.names.includes(name));
      chip.render(!this._off?.has(name), partWords(name, parts[name], column ? view.unit : "Wh"));
    }
    const title = column ? columnTitle(view.kind, column) : "";
    const heading = title || words(this._follows ? "so_far" : `whole_${view?.kind ?? "day"}`);
    setText(byId("history-moment"), view?.names.length ? [heading, column ? remark(column, view.names) : ""].filter(Boolean).join(" · ") : "");
    setHidden(byId("history-table"), !view?.names.length);
    setHidden(byId("history-hint"), !view?.names.length);
    this._chart.setAttribute("aria-valuemax", String(Math.max(0, (view?.columns.length ?? 0) - 1)));
    this._chart.setAttribute("aria-valuenow", String(this._at ?? 0));
    this._chart.setAttribute("aria-valuetext", this._spoken(heading));
    this._renderCursor(view, column);
  }

  _spoken(title) {
    const told = [...this._chips].filter(([name]) => this._view?.shown?.includes(name));
    return [title, ...told.map(([, { element }]) => element.innerText.replace(/\s+/g, " "))].join("; ");
  }

  _renderCursor(view, column) {
    if (!view?.drawn) return;
    const { cursor, places } = view.drawn;
    cursor.setAttribute("visibility", column ? "visible" : "hidden");
    if (!column) return;
    cursor.setAttribute("x", places.x(this._at));
    cursor.setAttribute("width", Math.max(1, places.x(this._at + 1) - places.x(this._at)));
  }

  _renderTable() {
    const frame = this._table.querySelector("[data-frame]");
    const view = this._view;
    if (!this._table.open || !view) {
      frame.replaceChildren();
      return;
    }
    const now = this._nowMs();
    const rows = view.columns
      .filter(({ begin }) => Date.parse(begin) < now)
      .map((column) => [columnTitle(view.kind, column), ...view.shown.map((name) => partWords(name, column.parts[name], view.unit))]);
    frame.replaceChildren(tableOf([words("time"), ...view.shown.map((name) => words(name))], rows));
  }
}

/** What is to be known about a column's numbers, beside them. */
function remark(column, names) {
  if (column.isAfterGap) return words("after_gap");
  const isPartly = column.known < WHOLE && reasonOf(column, names) === null;
  return isPartly ? words("known_part", { share: percent(column.known * 100) }) : "";
}

function query({ kind, from, to }) {
  const keys = isPower(kind) ? [...POWER_KEYS, ...COUNTER_KEYS] : COUNTER_KEYS;
  return new URLSearchParams({ series: keys.join(","), from, to, resolution: RESOLUTIONS[kind] });
}
