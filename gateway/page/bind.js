// Values into elements: an element names its key by data-key and its form by data-format.

import { FORMATS, UNIT_GAP, UNKNOWN } from "./format.js";
import { known, reading } from "./health.js";
import { words } from "./strings.js";

/** Write only what differs, so that nothing is redrawn, re-read aloud or unselected without need. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** Mark an element whose value nobody vouches for any more. */
export function setStale(element, stale) {
  if (element.classList.toggle("stale", Boolean(stale))) element.title = words("stale");
  else element.removeAttribute("title");
}

/** A large number with its unit in small. */
export function setFigure(element, text) {
  if (element.textContent === text) return;
  const [number, unit] = text.split(UNIT_GAP);
  element.textContent = number;
  if (unit === undefined) return;
  const small = document.createElement("span");
  small.className = "unit";
  small.textContent = UNIT_GAP + unit;
  element.append(small);
}

/** Show one reading; an absent key and a null both read as unknown. */
export function show(element, found, format) {
  const value = found?.value ?? null;
  const set = element.classList.contains("figure") ? setFigure : setText;
  set(element, value === null ? UNKNOWN : format(value));
  element.classList.toggle("value", true);
  setStale(element, found?.stale ?? false);
}

/** A bar of 0 to 1; unknown is empty. */
export function setMeter(meter, share, stale = false) {
  const width = share === null ? "0%" : `${Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10}%`;
  const fill = meter.firstElementChild;
  if (fill.style.width !== width) fill.style.width = width;
  meter.classList.toggle("stale", stale);
}

/** The bound elements below a root, found once. `prefix` is put before each key. */
export class Bindings {
  constructor(root, prefix = "") {
    this._values = [...root.querySelectorAll("[data-key]")].map((element) => ({
      element,
      key: prefix + element.dataset.key,
      format: FORMATS[element.dataset.format],
    }));
    this._meters = [...root.querySelectorAll("[data-meter-key]")].map((element) => ({
      element,
      key: prefix + element.dataset.meterKey,
    }));
    this._with = [...root.querySelectorAll("[data-with]")].map((element) => ({ element, key: prefix + element.dataset.with }));
  }

  render(state) {
    for (const { element, key, format } of this._values) show(element, reading(state, key), format);
    for (const { element, key } of this._meters) {
      const found = reading(state, key);
      setMeter(element, typeof found?.value === "number" ? found.value / 100 : null, found?.stale);
    }
    for (const { element, key } of this._with) setHidden(element, !state.values.has(key));
  }
}

/** A unit's fault text, only while it is in fault; answers its grade or null. */
export function showFault(element, state, prefix) {
  const fault = reading(state, `${prefix}fault_state`);
  const text = known(state, `${prefix}fault_text`);
  const faulty = fault?.value > 0;
  setHidden(element, !faulty);
  element.dataset.grade = fault?.value >= 2 ? "fault" : "warning";
  if (faulty) setText(element, text || words(element.dataset.grade));
  setStale(element, fault?.stale ?? false);
  return faulty ? element.dataset.grade : null;
}

/** A copy of a template's one element. */
export function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** One element per id below a parent, in the order given; `make(id)` answers {element, render(state)}. */
export class Roster {
  constructor(parent, make) {
    this._parent = parent;
    this._make = make;
    this._members = new Map();
  }

  render(state, ids) {
    for (const [id, member] of this._members) {
      if (!ids.includes(id)) {
        member.element.remove();
        this._members.delete(id);
      }
    }
    ids.forEach((id, place) => {
      if (!this._members.has(id)) this._members.set(id, this._make(id));
      const member = this._members.get(id);
      if (this._parent.children[place] !== member.element) {
        this._parent.insertBefore(member.element, this._parent.children[place] ?? null);
      }
      member.render(state);
    });
  }
}

/** The ids that exist below a group, numbers first and in order. */
export function idsOf(state, group) {
  const found = new Set();
  for (const key of state.values.keys()) {
    const [head, id, rest] = key.split("/");
    if (head === group && rest !== undefined) found.add(id);
  }
  return [...found].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}
