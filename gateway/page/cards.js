// Charge points and vehicles.

import { Bindings, fromTemplate, setHidden, setMeter, setStale, setText, show, showFault } from "./bind.js";
import { UNKNOWN, byUnit, current, distance, limit, moment, percent, plan } from "./format.js";
import { known, reading } from "./health.js";
import { words } from "./strings.js";

const SMALLEST_SCALE_A = 16;
const LARGEST_SCALE_A = 32;

/** What the details of a charge point list, in this order, when the key exists. */
const DETAILS = [
  "voltages_v", "powers_w", "instant_current_a", "min_current_a", "limit", "plan", "price_limit_eur_per_kwh",
  "discharged_wh", "serial_number",
];
const OWN_FORMS = { limit, plan };
/** Details that belong to one mode, which is called here as it is called on the card. */
const OF_MODE = { instant_current_a: "instant", min_current_a: "pv" };

function statusOf(plugged, charging) {
  if (charging === true) return "charging";
  if (plugged === true) return "plugged";
  return plugged === false ? "free" : "unknown";
}

/** A unit's own name, or what it is called without one. */
function showName(element, found, otherwise) {
  setText(element, found?.value || otherwise);
  setStale(element, found?.stale ?? false);
}

/** The bar of a vehicle's charge; of an unknown charge there is none. */
function showCharge(meter, charge) {
  const share = typeof charge?.value === "number" ? charge.value / 100 : null;
  setHidden(meter, share === null);
  setMeter(meter, share, charge?.stale);
}

export class ChargePointCard {
  constructor(id, labels) {
    this._prefix = `chargepoints/${id}/`;
    this._id = id;
    this._labels = labels;
    this.element = fromTemplate("chargepoint-card");
    this.element.dataset.chargepoint = id;
    this._bindings = new Bindings(this.element, this._prefix);
    this._find = (name) => this.element.querySelector(`[data-${name}]`);
    this._pill = (name) => this.element.querySelector(`[data-pill="${name}"]`);
    this._details = new Map();
    this._phases = [0, 1, 2].map((place) => phaseItem(this._find("phases"), place));
  }

  render(state) {
    const of = (name) => reading(state, this._prefix + name);
    showName(this._find("title"), of("name"), words("chargepoint_unit", { id: this._id }));
    this._bindings.render(state);
    this._renderPills(state, of);
    this._renderPhases(of);
    this._renderVehicle(state, of);
    const text = of("state_text");
    setHidden(this._find("state-text"), text === undefined);
    setText(this._find("state-text"), text?.value ?? "");
    setStale(this._find("state-text"), text?.stale ?? false);
    this._renderDetails(state);
  }

  _renderPills(state, of) {
    const plugged = of("plugged");
    const charging = of("charging");
    const status = statusOf(plugged?.value, charging?.value);
    const pill = this._pill("status");
    pill.dataset.status = status;
    this.element.dataset.status = status;
    setText(pill, words(`status_${status}`));
    setStale(pill, Boolean(plugged?.stale || charging?.stale));
    const locked = of("locked");
    setHidden(this._pill("locked"), locked?.value !== true);
    setStale(this._pill("locked"), locked?.stale ?? false);
    const grade = showFault(this._find("fault-text"), state, this._prefix);
    setHidden(this._pill("stale"), grade !== null || !of("power_w")?.stale);
    setHidden(this._pill("fault"), grade === null);
    this._pill("fault").dataset.grade = grade ?? "";
    if (grade) setText(this._pill("fault"), words(grade));
  }

  _renderPhases(of) {
    const found = of("currents_a");
    const amperes = Array.isArray(found?.value) ? found.value : [null, null, null];
    const target = of("current_target_a")?.value ?? 0;
    const scale = Math.max(target, ...amperes.map((one) => one ?? 0)) > SMALLEST_SCALE_A + 1 ? LARGEST_SCALE_A : SMALLEST_SCALE_A;
    this._phases.forEach((phase, place) => {
      const one = amperes[place] ?? null;
      setText(phase.current, one === null ? UNKNOWN : current(one));
      setStale(phase.current, found?.stale ?? false);
      setMeter(phase.meter, one === null ? null : Math.abs(one) / scale, found?.stale);
    });
  }

  _renderVehicle(state, of) {
    const id = of("vehicle_id");
    const prefix = `vehicles/${id?.value}/`;
    const name = reading(state, `${prefix}name`);
    const charge = reading(state, `${prefix}soc_percent`);
    const here = id !== undefined && id.value !== null && of("plugged")?.value !== false;
    setHidden(this._find("vehicle"), !here);
    if (!here) return;
    setText(this._find("vehicle-name"), name?.value || words("vehicle_unit", { id: id.value }));
    setStale(this._find("vehicle-name"), id.stale);
    show(this._find("vehicle-soc"), charge, percent);
    showCharge(this._find("vehicle-meter"), charge);
  }

  _renderDetails(state) {
    const list = this._find("details");
    for (const name of DETAILS) {
      const found = reading(state, this._prefix + name);
      let line = this._details.get(name);
      if (found && !line) {
        line = detailLine();
        this._details.set(name, line);
        list.append(line.element);
      }
      if (!line) continue;
      setHidden(line.element, found === undefined);
      setText(line.term, this._term(name));
      show(line.shown, found, OWN_FORMS[name] ?? ((value) => byUnit(value, this._labels.unit(this._prefix + name))));
    }
    setHidden(list.parentElement, this._details.size === 0);
  }

  _term(name) {
    if (name in OF_MODE) return words(name, { mode: words(`mode_${OF_MODE[name]}`) });
    return this._labels.label(this._prefix + name);
  }
}

function phaseItem(parent, place) {
  const item = fromTemplate("phase-item");
  item.querySelector("[data-phase-name]").textContent = `L${place + 1}`;
  parent.append(item);
  return { meter: item.querySelector(".meter"), current: item.querySelector("[data-phase-current]") };
}

function detailLine() {
  const element = document.createElement("div");
  const term = document.createElement("dt");
  const shown = document.createElement("dd");
  element.append(term, shown);
  return { element, term, shown };
}

export class VehicleRow {
  constructor(id) {
    this._prefix = `vehicles/${id}/`;
    this._id = id;
    this.element = fromTemplate("vehicle-row");
    this.element.dataset.vehicle = id;
    this._bindings = new Bindings(this.element, this._prefix);
    this._find = (name) => this.element.querySelector(`[data-${name}]`);
  }

  render(state) {
    const value = (name) => known(state, this._prefix + name);
    showName(this._find("title"), reading(state, `${this._prefix}name`), words("vehicle_unit", { id: this._id }));
    this._bindings.render(state);
    const charge = reading(state, `${this._prefix}soc_percent`);
    showCharge(this._find("meter"), charge);
    setText(this._find("sub"), this._sub(value));
    setStale(this._find("sub"), charge?.stale ?? false);
    showFault(this._find("fault-text"), state, this._prefix);
  }

  _sub(value) {
    const parts = [];
    if (value("range_km") !== null) parts.push(words("range", { range: distance(value("range_km")) }));
    if (value("odometer_km") !== null) parts.push(distance(value("odometer_km")));
    if (value("soc_at") !== null && value("soc_percent") !== null) {
      parts.push(words("soc_from", { time: moment(value("soc_at") * 1000) }));
    }
    return parts.join(" · ");
  }
}

const PLANT = {
  inverters: { words: "inverter", shape: "#shape-pv", sub: ["produced_today_wh"] },
  batteries: { words: "battery_unit", shape: "#shape-battery", sub: ["soc_percent", "charged_today_wh"] },
  meters: { words: "meter_unit", shape: "#shape-grid", sub: ["imported_today_wh"] },
};

/** One inverter, battery or meter; `name` is "inverters/3". */
export class PlantRow {
  constructor(name, labels) {
    const [group, id] = name.split("/");
    this._prefix = `${name}/`;
    this._kind = PLANT[group];
    this._labels = labels;
    this.element = fromTemplate("plant-row");
    this.element.dataset.plant = name;
    this.element.querySelector("use").setAttribute("href", this._kind.shape);
    this.element.querySelector("[data-title]").textContent = words(this._kind.words, { id });
    this._bindings = new Bindings(this.element, this._prefix);
    this._sub = this.element.querySelector("[data-sub]");
    this._fault = this.element.querySelector("[data-fault-text]");
  }

  static groups = Object.keys(PLANT);

  render(state) {
    this._bindings.render(state);
    const parts = this._kind.sub
      .map((name) => this._prefix + name)
      .filter((key) => known(state, key) !== null)
      .map((key) => `${this._labels.label(key)} ${byUnit(known(state, key), this._labels.unit(key))}`);
    setText(this._sub, parts.join(" · "));
    setStale(this._sub, this._kind.sub.some((name) => reading(state, this._prefix + name)?.stale));
    showFault(this._fault, state, this._prefix);
  }
}
