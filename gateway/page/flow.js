// The energy flow: five nodes, each shown once the site has it, and a line from each to the middle.

import { Bindings, setHidden, setStale, setText, show, showFault } from "./bind.js";
import { power } from "./format.js";
import { known, reading } from "./health.js";
import { words } from "./strings.js";

const IDLE_W = 5;
const THINNEST = 2;
const THICKEST = 9;
const MIDDLE = 50;
const SVG = "http://www.w3.org/2000/svg";

/** Per node: its key, whether power flows into the middle, and the words of its direction. */
const NODES = {
  pv: { inward: (watts) => watts > 0, direction: (watts) => words(watts >= IDLE_W ? "producing" : "idle") },
  grid: { inward: (watts) => watts > 0, direction: signed("importing", "exporting", "balanced") },
  battery: { inward: (watts) => watts < 0, direction: signed("battery_charging", "battery_discharging", "idle") },
  house: { inward: () => false, direction: (watts) => words(watts >= IDLE_W ? "consuming" : "idle") },
  charging: { inward: (watts) => watts < 0, direction: (_, state) => chargingCount(state) },
};

function signed(positive, negative, neither) {
  return (watts) => {
    if (Math.abs(watts) < IDLE_W) return words(neither);
    return words(watts > 0 ? positive : negative);
  };
}

function chargingCount(state) {
  let all = 0;
  let active = 0;
  for (const [key, [value]] of state.values) {
    if (!/^chargepoints\/[^/]+\/charging$/.test(key)) continue;
    all += 1;
    active += value === true ? 1 : 0;
  }
  return all ? words("charging_count", { active, all }) : "";
}

/** Which way it flows; of a number that counts no longer, just that. */
function directionOf(name, found, state) {
  if (found === undefined || found.value === null) return "";
  return found.stale ? words("stale_short") : NODES[name].direction(found.value, state);
}

function isPresent(state, name) {
  return [...state.values.keys()].some((key) => key.startsWith(`${name}/`));
}

export class Flow {
  constructor(root) {
    this._bindings = new Bindings(root);
    this._sides = ["flow-left", "flow-right"].map((id) => document.getElementById(id));
    this._lines = document.getElementById("flow-lines");
    this._empty = document.getElementById("flow-empty");
    this._nodes = new Map([...root.querySelectorAll("[data-node]")].map((element) => [element.dataset.node, this._node(element)]));
  }

  render(state) {
    this._bindings.render(state);
    let present = 0;
    for (const [name, node] of this._nodes) {
      const here = isPresent(state, name);
      present += here ? 1 : 0;
      setHidden(node.element, !here);
      this._renderNode(state, name, node);
    }
    setHidden(this._empty, present > 0);
    setHidden(this._lines.parentElement, present === 0);
    this._place();
    this._weigh(state);
  }

  _node(element) {
    const lines = ["track", "stream"].map((kind) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", `${kind} of-${element.dataset.node}`);
      path.setAttribute("vector-effect", "non-scaling-stroke");
      return path;
    });
    this._lines.append(...lines);
    return {
      element,
      lines,
      figure: element.querySelector("[data-figure]"),
      direction: element.querySelector("[data-direction]"),
      fault: element.querySelector("[data-fault-text]"),
    };
  }

  _renderNode(state, name, node) {
    const found = reading(state, `${name}/power_w`);
    show(node.figure, found, (watts) => power(Math.abs(watts)));
    setText(node.direction, directionOf(name, found, state));
    setStale(node.direction, found?.stale ?? false);
    if (node.fault) showFault(node.fault, state, `${name}/`);
  }

  /** Lines start at the middle of each visible node's share of its side. */
  _place() {
    this._sides.forEach((side, which) => {
      const visible = [...side.children].filter((element) => !element.hidden);
      visible.forEach((element, place) => {
        const y = ((place + 0.5) / visible.length) * 100;
        const x = which * 100;
        const path = `M${x} ${y} C ${MIDDLE} ${y}, ${which ? 60 : 40} ${MIDDLE}, ${MIDDLE} ${MIDDLE}`;
        for (const line of this._nodes.get(element.dataset.node).lines) {
          if (line.getAttribute("d") !== path) line.setAttribute("d", path);
        }
      });
    });
  }

  _weigh(state) {
    const watts = new Map([...this._nodes.keys()].map((name) => [name, known(state, `${name}/power_w`) ?? 0]));
    const most = Math.max(1000, ...[...watts.values()].map(Math.abs));
    for (const [name, node] of this._nodes) {
      const amount = watts.get(name);
      const [track, stream] = node.lines;
      const flowing = !node.element.hidden && Math.abs(amount) >= IDLE_W;
      track.toggleAttribute("hidden", node.element.hidden);
      stream.toggleAttribute("hidden", !flowing);
      stream.classList.toggle("inward", NODES[name].inward(amount));
      stream.classList.toggle("stale", reading(state, `${name}/power_w`)?.stale ?? false);
      const width = THINNEST + (THICKEST - THINNEST) * (Math.abs(amount) / most);
      stream.setAttribute("stroke-width", width.toFixed(1));
      track.setAttribute("stroke-width", flowing ? width.toFixed(1) : THINNEST);
    }
  }
}
