// What happened at the site lately, in words.

import { setHidden } from "./bind.js";
import { energy as energyText, moment } from "./format.js";
import { known } from "./health.js";
import { words } from "./strings.js";

const MOST = 5;
const UNITS = { chargepoints: "chargepoint_unit", vehicles: "vehicle_unit", inverters: "inverter", batteries: "battery_unit", meters: "meter_unit" };
const GRADES = ["success", "warning", "danger"];

/** {grade, text} of an event, or null for one that says nothing to people, or is not known here. */
export function told({ event, details }, state) {
  const say = Object.hasOwn(KINDS, event) ? KINDS[event] : null;
  return say?.(details, state) ?? null;
}

const KINDS = {
  fault({ target, fault_state: grade, fault_text: text }, state) {
    const unit = unitName(target, state);
    if (grade === 0) return { grade: GRADES[0], text: words("event_fault_over", { unit }) };
    return { grade: GRADES[grade], text: words("event_fault", { unit, text: text || words(grade > 1 ? "fault" : "warning") }) };
  },
  // each start of the gateway or the box goes through "connecting"
  link_changed({ state: link }) {
    if (link === "connecting") return null;
    return { grade: link === "up" ? GRADES[0] : GRADES[2], text: words(`link_${link}`) ?? link };
  },
  charge_session_started({ chargepoint_id: id }, state) {
    return { grade: "info", text: words("event_plugged", { unit: unitName(`chargepoints/${id}`, state) }) };
  },
  charge_session_ended({ chargepoint_id: id, energy_wh: energy }, state) {
    const unit = unitName(`chargepoints/${id}`, state);
    if (energy === null) return { grade: "info", text: words("event_unplugged", { unit }) };
    return { grade: "info", text: words("event_charged", { unit, energy: energyText(energy) }) };
  },
  box_updated: ({ version }) => ({ grade: "info", text: words("event_updated", { version }) }),
};

/** What a device is called: its own name, else its kind and id. */
function unitName(target, state) {
  const [group, id] = target.split("/");
  if (id === undefined) return words(group) ?? group;
  return known(state, `${target}/name`) || words(UNITS[group] ?? "", { id }) || target;
}

/** A restart of the gateway leads through "connecting" to the state that was: nothing happened to the box. */
function withoutRepeatedLinks(newestFirst) {
  let link = null;
  const isNews = ({ event, details }) => {
    if (event !== "link_changed" || details.state === "connecting") return true;
    const isOther = details.state !== link;
    link = details.state;
    return isOther;
  };
  return newestFirst.toReversed().filter(isNews).toReversed();
}

export class EventList {
  constructor(root) {
    this._root = root;
    this._rows = root.querySelector("ul");
    this._shown = "";
  }

  render(state) {
    const found = withoutRepeatedLinks(state.events)
      .map((event) => ({ at: event.at, ...told(event, state) }))
      .filter((one) => one.text)
      .slice(0, MOST);
    const signature = JSON.stringify(found);
    if (signature === this._shown) return;
    this._shown = signature;
    setHidden(this._root, found.length === 0);
    this._rows.replaceChildren(...found.map(row));
  }
}

function row({ grade, text, at }) {
  const item = document.createElement("li");
  const time = document.createElement("time");
  item.dataset.grade = grade;
  time.textContent = moment(at * 1000);
  item.append(time, ` ${text}`);
  return item;
}
