// The root of the page: who is logged in, which site is shown, and one redraw per animation frame.

import * as api from "./api.js";
import { Roster, idsOf, setHidden, setText } from "./bind.js";
import { Box } from "./box.js";
import { ChargePointCard, PlantRow, VehicleRow } from "./cards.js";
import { steadyMs } from "./clock.js";
import { Connection } from "./connection.js";
import { deviceName } from "./device.js";
import { Entry, refusalWords, takeSetupToken } from "./entry.js";
import { Flow } from "./flow.js";
import { ago, moment } from "./format.js";
import { asOfMs, judge } from "./health.js";
import { History } from "./history.js";
import { LiveState } from "./live.js";
import { ChargeLog } from "./log.js";
import { fillWords, language, words } from "./strings.js";

const KEYS = [
  "grid/+", "pv/+", "battery/+", "house/+", "charging/+", "chargepoints/+/+", "vehicles/+/+", "inverters/+/+",
  "batteries/+/+", "meters/+/+", "tariff/price_eur_per_kwh", "box/#",
];
const MIN_INTERVAL_MS = 250;
const MANY = 5; // from here on, cards with nothing to tell are short on a phone
const RETRY_MS = 5_000;
const TOKEN = "gateway.token";
const SITE = "gateway.site";
const DEMO_SITE = "demo";

const byId = (id) => document.getElementById(id);

/** A list answered bare or below a name. */
function listIn(answer, name) {
  return Array.isArray(answer) ? answer : answer[name] ?? answer.items ?? [];
}

/** Labels and units of the catalogue; until it is here (or without it) the key's own name serves. */
class Labels {
  constructor() {
    this._entries = new Map();
  }

  fill(entries) {
    for (const entry of entries) this._entries.set(entry.key ?? entry.pattern, entry);
  }

  _entry(key) {
    const levels = key.split("/");
    return this._entries.get(key) ?? this._entries.get([levels[0], "+", ...levels.slice(2)].join("/"));
  }

  /** The entry's words without its group ("Charge point: …") and without explanations after a comma. */
  label(key) {
    const text = this._entry(key)?.text ?? key.split("/").at(-1).replaceAll("_", " ");
    const short = text.slice(text.indexOf(": ") + 1).trim().split(",")[0];
    return short.charAt(0).toLocaleUpperCase(language) + short.slice(1);
  }

  unit(key) {
    return this._entry(key)?.unit ?? null;
  }
}

class Dashboard {
  constructor(labels, onLogin) {
    this._onLogin = onLogin;
    this._flow = new Flow(byId("flow"));
    this._box = new Box(byId("box"));
    this._history = new History();
    this._log = new ChargeLog();
    this._chargePoints = new Roster(byId("chargepoint-cards"), (id) => new ChargePointCard(id, labels));
    this._vehicles = new Roster(byId("vehicle-rows"), (id) => new VehicleRow(id));
    this._plant = new Roster(byId("plant-rows"), (name) => new PlantRow(name, labels));
    this._drawing = false;
    byId("notice-action").addEventListener("click", () => this._connection?.again());
    setInterval(() => this.redraw(), 1000);
  }

  /** `device` names this tab for the gateway. */
  open(token, site, device) {
    this.close();
    setText(byId("site-name"), site.name || site.id);
    setHidden(byId("demo-badge"), site.id !== DEMO_SITE);
    document.title = `${site.name || site.id} · openWB Gateway`;
    const eventsNowMs = Date.now();
    this._state = new LiveState({ site: site.id, keys: KEYS, minIntervalMs: MIN_INTERVAL_MS, token, device, eventsNowMs });
    this._connection = new Connection({
      url: api.liveAddress(),
      state: this._state,
      onChange: () => this.redraw(),
      onLogin: this._onLogin,
    });
    this._connection.start();
    this._history.open(token, site.id, () => this._state.serverMs(steadyMs()) ?? Date.now());
    this._log.open(token, site.id);
  }

  close() {
    this._connection?.stop();
    this._connection = null;
    this._history.close();
    this._log.close();
  }

  /** Close, and leave nothing of what was shown in the page. */
  forget() {
    this.close();
    if (!this._state) return;
    this._state.values.clear();
    this._state.events = [];
    this._drawValues({ word: "", sinceMs: null });
  }

  redraw() {
    if (this._drawing || !this._connection) return;
    this._drawing = true;
    requestAnimationFrame(() => {
      this._drawing = false;
      if (this._connection) this._draw();
    });
  }

  _draw() {
    const health = judge(this._state, this._connection.status, steadyMs(), navigator.onLine);
    this._drawHealth(health);
    this._drawValues(health);
    this._history.render();
  }

  _drawValues(health) {
    const state = this._state;
    this._flow.render(state);
    this._drawRoster("chargepoints", this._chargePoints, idsOf(state, "chargepoints"));
    this._drawRoster("vehicles", this._vehicles, idsOf(state, "vehicles"));
    const plant = PlantRow.groups.flatMap((group) => idsOf(state, group).map((id) => `${group}/${id}`));
    this._drawRoster("plant", this._plant, plant);
    setHidden(byId("box"), state.values.size === 0);
    this._box.render(state, health);
    this._log.render(state);
  }

  _drawRoster(id, roster, ids) {
    setHidden(byId(id), ids.length === 0);
    byId(id).toggleAttribute("data-many", ids.length >= MANY);
    roster.render(this._state, ids);
  }

  _drawHealth(health) {
    document.body.dataset.live = health.live ? "yes" : "no";
    byId("link-pill").dataset.tone = health.tone;
    setText(byId("link-word"), health.word);
    const notice = byId("notice");
    notice.dataset.tone = health.tone;
    setHidden(notice, health.live);
    setHidden(byId("notice-action"), !health.again);
    if (health.live) return;
    const since = health.sinceMs === null ? null : moment(health.sinceMs);
    setText(byId("notice-reason"), `${since === null ? health.reason : words("since", { text: health.reason, time: since })}.`);
    setText(byId("notice-age"), [health.detail, this._ageWords()].filter(Boolean).join(" "));
  }

  _ageWords() {
    if (this._state.values.size === 0) return "";
    const asOf = asOfMs(this._state);
    if (asOf === null) return words("as_of_unknown");
    const now = this._state.serverMs(steadyMs()) ?? asOf;
    return words("as_of", { time: moment(asOf), ago: ago(now - asOf) });
  }
}

class Page {
  constructor() {
    this._labels = new Labels();
    this._entry = new Entry((answer) => this._loggedIn(answer));
    this._dashboard = new Dashboard(this._labels, () => this._loginEnded());
    byId("logout").addEventListener("click", () => this._logOut());
    byId("site-select").addEventListener("change", (event) => this._choose(event.target.value));
  }

  start() {
    addEventListener("hashchange", () => this._setUp(takeSetupToken()));
    if (this._setUp(takeSetupToken())) return;
    const token = sessionStorage.getItem(TOKEN);
    if (token) this._load(token);
    else this._entry.showLogin();
  }

  _setUp(setupToken) {
    if (!setupToken) return false;
    this._leave();
    this._entry.showSetup(setupToken);
    return true;
  }

  _loggedIn(answer) {
    sessionStorage.setItem(TOKEN, answer.token);
    this._load(answer.token);
  }

  async _load(token) {
    try {
      const answer = await api.sites(token);
      this._device ??= await deviceName();
      this._token = token;
      this._sites = listIn(answer, "sites");
      api.catalogue(token, language).then((found) => this._labels.fill(listIn(found, "entries")), () => {});
    } catch (failure) {
      if (failure.status === 401) this._loginEnded();
      else this._loadAgain(token, failure);
      return;
    }
    this._entry.hide();
    setHidden(byId("dashboard"), false);
    this._fillChooser();
    this._choose(sessionStorage.getItem(SITE));
  }

  _loadAgain(token, failure) {
    this._entry.showLogin(refusalWords(failure));
    setTimeout(() => {
      if (sessionStorage.getItem(TOKEN) === token && byId("dashboard").hidden) this._load(token);
    }, RETRY_MS * (0.5 + Math.random()));
  }

  _fillChooser() {
    const several = this._sites.length > 1;
    setHidden(byId("site-chooser"), !several);
    byId("site-name").classList.toggle("visually-hidden", several);
    byId("site-select").replaceChildren(...this._sites.map((site) => new Option(site.name || site.id, site.id)));
  }

  _choose(id) {
    const site = this._sites.find((one) => one.id === id) ?? this._sites[0];
    if (!site) return;
    sessionStorage.setItem(SITE, site.id);
    byId("site-select").value = site.id;
    this._dashboard.open(this._token, site, this._device);
  }

  _leave() {
    this._dashboard.forget();
    sessionStorage.removeItem(TOKEN);
    setHidden(byId("dashboard"), true);
  }

  _loginEnded() {
    this._leave();
    this._entry.showLogin(words("login_ended"));
  }

  async _logOut() {
    const token = this._token;
    this._leave();
    this._entry.showLogin();
    await api.logOut(token).catch(() => {});
  }
}

document.documentElement.lang = language;
fillWords(document);
new Page().start();
