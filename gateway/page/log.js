// The section "charging log": the charge sessions that go on, those that ended, and the details of each.

import * as api from "./api.js";
import { fromTemplate, setHidden, setText } from "./bind.js";
import { UNKNOWN, energy, power } from "./format.js";
import { known } from "./health.js";
import {
  duration, energyNow, factsOf, joined, segmentRows, shareWords, sharesOf, timesOf, totalWords, versionWords, whoOf,
} from "./sessions.js";
import { words } from "./strings.js";
import { tableOf } from "./table.js";
import { Watch, failureWords } from "./watch.js";

const EVERY_MS = 30_000;
const SOON_MS = 3_000; // so long the recorder takes to write down a charge session that ended
const EVENTS = new Set(["charge_session_started", "charge_session_ended"]);

const byId = (id) => document.getElementById(id);

/** The bar of the sources; widths by CSSOM, which the policy of the page allows. */
function fillBar(bar, shares) {
  setHidden(bar, shares.length === 0);
  bar.replaceChildren(...shares.map(({ name, share }) => {
    const piece = document.createElement("span");
    piece.className = `of-${name}`;
    piece.style.flexGrow = String(share);
    return piece;
  }));
}

class Row {
  /** `load(id)` answers the details of one that ended. */
  constructor(session, load) {
    this.element = fromTemplate("session-row");
    this.session = session;
    this._load = load;
    this._find = (name) => this.element.querySelector(`[data-${name}]`);
    this._find("session").addEventListener("toggle", () => this._toggled());
    this.take(session);
  }

  take(session) {
    const isNews = JSON.stringify(session) !== JSON.stringify(this._taken);
    this.session = session;
    if (!isNews) return;
    this._taken = session;
    setText(this._find("who"), whoOf(session));
    setText(this._find("times"), timesOf(session));
    setText(this._find("duration"), words("plugged_for", { time: duration(session.plugged_s) }));
    const shares = sharesOf(session.energy_by_source);
    fillBar(this._find("bar"), shares);
    const estimated = session.source_how === "estimated" && shares.length > 0;
    setText(this._find("sources"), estimated ? words("estimated", { text: shareWords(shares) }) : shareWords(shares));
    this._find("flags").replaceChildren(...session.completeness.map(flag));
    if (this._find("session").open) this._toggled();
  }

  /** The name of the place and what is counted, which change while it goes on. */
  render(state) {
    const { chargepoint_id: id, unplugged_at: end } = this.session;
    const prefix = `chargepoints/${id}/`;
    setText(this._find("place"), known(state, `${prefix}name`) || words("chargepoint_unit", { id }));
    const wh = end === null ? energyNow(this.session, known(state, `${prefix}meter_wh`)) : this.session.energy_wh;
    setText(this._find("energy"), wh === null ? UNKNOWN : energy(wh));
    const watts = end === null ? known(state, `${prefix}power_w`) : null;
    setText(this._find("power"), watts === null ? "" : power(watts));
  }

  async _toggled() {
    if (!this._find("session").open) return;
    const { id } = this.session;
    const asked = this._taken;
    try {
      const detail = id === undefined ? this.session : await this._load(id);
      if (asked === this._taken) this._fill(detail);
    } catch (failure) {
      setText(this._find("failure"), failureWords(failure));
    }
  }

  _fill(detail) {
    setText(this._find("failure"), "");
    this._find("facts").replaceChildren(...factsOf(detail).map(fact));
    this._find("segments").replaceChildren(tableOf([words("mode"), words("time"), words("energy_charged")], segmentRows(detail)));
    this._find("notes").replaceChildren(
      ...detail.completeness.map((name) => paragraph(words(`flag_${name}_why`) ?? name)),
      ...(detail.versions ?? []).map((version) => paragraph(versionWords(version))),
    );
  }
}

function flag(name) {
  const pill = document.createElement("span");
  pill.className = "pill flag";
  pill.textContent = words(`flag_${name}`) ?? name;
  return pill;
}

function fact({ term, text }) {
  const element = document.createElement("div");
  const dt = document.createElement("dt");
  const dd = document.createElement("dd");
  dt.textContent = term;
  dd.textContent = text;
  element.append(dt, dd);
  return element;
}

function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

export class ChargeLog {
  constructor() {
    this._section = byId("charge-log");
    this._lists = { current: byId("log-current"), ended: byId("log-rows") };
    this._rows = { current: new Map(), ended: new Map() };
    this._watch = new Watch(this._section, () => this._loadAgain(), EVERY_MS);
    this._site = null;
    this._more = byId("log-more");
    this._more.addEventListener("click", () => this._loadMore());
  }

  open(token, site) {
    this._token = token;
    this._site = site;
    this._newest = null;
    this._clear();
    this._say(words("loading"));
    this._watch.start();
  }

  close() {
    this._watch.stop();
    this._site = null;
    this._state = null;
    this._clear();
  }

  /** What is shown follows the live values; a charge session that begins or ends is asked for at once. */
  render(state) {
    if (this._site === null) return;
    this._state = state;
    for (const rows of Object.values(this._rows)) for (const row of rows.values()) row.render(state);
    const newest = state.events.find(({ event }) => EVENTS.has(event))?.event_id ?? null;
    if (newest === this._newest) return;
    this._newest = newest;
    this._watch.start();
    setTimeout(() => this._site && this._watch.start(), SOON_MS);
  }

  _clear() {
    this._held = [];
    this._next = null;
    for (const [name, list] of Object.entries(this._lists)) {
      list.replaceChildren();
      this._rows[name].clear();
    }
    setText(byId("log-totals"), "");
    fillBar(byId("log-bar"), []);
    setText(byId("log-shares"), "");
    setHidden(this._more, true);
  }

  async _loadAgain() {
    const site = this._site;
    try {
      const [current, page] = await Promise.all([
        api.currentChargeSessions(this._token, site),
        api.chargeSessions(this._token, site, null),
      ]);
      if (site === this._site) this._take(current.sessions, page);
    } catch (failure) {
      if (site === this._site) this._say(failureWords(failure));
      return false;
    }
    return true;
  }

  _take(current, page) {
    const ids = new Set(page.sessions.map(({ id }) => id));
    const meets = this._held.some(({ id }) => ids.has(id)); // else there may be some between that nobody read
    if (!meets) this._next = page.next;
    this._held = joined(page.sessions, meets ? this._held : []);
    this._fill("current", current, (one) => `${one.chargepoint_id} ${one.plugged_at}`);
    this._renderEnded();
    setText(byId("log-totals"), page.totals ? totalWords(page.totals) : "");
    const shares = sharesOf(page.totals);
    fillBar(byId("log-bar"), shares);
    setText(byId("log-shares"), shareWords(shares));
    this._say(current.length + this._held.length === 0 ? words("no_charge_sessions") : "");
  }

  _renderEnded() {
    this._fill("ended", this._held, ({ id }) => id);
    setHidden(this._more, !this._next);
  }

  _fill(name, sessions, keyOf) {
    const rows = this._rows[name];
    const keys = new Set(sessions.map(keyOf));
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.element.remove();
      rows.delete(key);
    }
    sessions.forEach((session, place) => {
      const row = rows.get(keyOf(session)) ?? new Row(session, (id) => api.chargeSession(this._token, this._site, id));
      rows.set(keyOf(session), row);
      row.take(session);
      if (this._state) row.render(this._state);
      const list = this._lists[name];
      if (list.children[place] !== row.element) list.insertBefore(row.element, list.children[place] ?? null);
    });
  }

  async _loadMore() {
    const site = this._site;
    this._more.disabled = true;
    try {
      const page = await api.chargeSessions(this._token, site, this._next);
      if (site !== this._site) return;
      this._held = joined(this._held, page.sessions);
      this._next = page.next;
      this._renderEnded();
    } catch (failure) {
      this._say(failureWords(failure));
    } finally {
      this._more.disabled = false;
    }
  }

  _say(text) {
    setText(byId("log-note"), text);
    setHidden(byId("log-note"), text === "");
  }
}
