// Draws the history chart into an svg element. Colours come from the style sheet by the class of-<name>.

import { Places, gapsOf, pathsOf, placeOf, scaleOf } from "./chart.js";
import { decimal } from "./format.js";
import { marksOf } from "./periods.js";
import { words } from "./strings.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGINS = { left: 42, top: 18, bottom: 24 };
const LINE_PX = 40; // between the lines across, about
const LETTER_PX = 7;
const LEAST_PX = 100;
const CLOSED = new Set(["day", "week"]);

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, one] of Object.entries(attributes)) element.setAttribute(key, one);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** {places, cursor} of what was drawn, or null where there is no room. */
export function draw(svg, { kind, unit, columns, names, nowMs }) {
  const { width, height } = svg.getBoundingClientRect();
  svg.replaceChildren();
  if (width < LEAST_PX) return null; // not laid out
  const scale = scaleOf(columns, names, Math.max(2, Math.floor((height - MARGINS.top - MARGINS.bottom) / LINE_PX)));
  const places = new Places({ width, height, ...MARGINS }, columns.length, scale);
  const gaps = gapsOf(columns, names, nowMs);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  hatch(svg);
  for (const gap of gaps) drawGap(svg, places, gap);
  drawLines(svg, places, scale, unit);
  drawMarks(svg, places, marksOf(kind, columns, places.right - places.left), !CLOSED.has(kind));
  const paths = pathsOf(columns, names, places, CLOSED.has(kind));
  for (const [name, d] of Object.entries(paths)) if (d) add(svg, "path", { class: `column of-${name}`, d });
  add(svg, "line", { class: "zero", x1: places.left, x2: places.right, y1: places.y(0), y2: places.y(0) });
  const now = CLOSED.has(kind) ? placeOf(columns, nowMs) : null;
  if (now !== null) {
    add(svg, "line", { class: "now", x1: places.x(now), x2: places.x(now), y1: places.top, y2: places.bottom });
  }
  const cursor = add(svg, "rect", { class: "cursor", y: places.top, height: places.bottom - places.top, visibility: "hidden" });
  return { places, cursor };
}

function hatch(svg) {
  const pattern = add(add(svg, "defs", {}), "pattern", {
    id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
  });
  add(pattern, "line", { class: "hatch", x1: 0, x2: 0, y1: 0, y2: 7 });
}

function drawGap(svg, places, { from, to, reason }) {
  const [left, right] = [places.x(from), places.x(to)];
  add(svg, "rect", { class: "gap", x: left, width: right - left, y: places.top, height: places.bottom - places.top, fill: "url(#hatch)" });
  const text = words(`gap_${reason}`);
  if (text.length * LETTER_PX > right - left) return;
  add(svg, "text", { class: "gap-word", x: (left + right) / 2, y: places.top + 14, "text-anchor": "middle" }, text);
}

function drawLines(svg, places, { ticks, step }, unit) {
  const digits = step % 1000 === 0 ? 0 : 1;
  for (const tick of ticks) {
    const y = places.y(tick);
    add(svg, "line", { class: "across", x1: places.left, x2: places.right, y1: y, y2: y });
    const text = decimal(Math.abs(tick) / 1000, digits);
    add(svg, "text", { class: "label", x: places.left - 7, y: y + 4, "text-anchor": "end" }, text);
  }
  add(svg, "text", { class: "label", x: places.left - 7, y: 10, "text-anchor": "end" }, unit === "W" ? "kW" : "kWh");
}

function drawMarks(svg, places, marks, centred) {
  for (const { place, text, line } of marks) {
    if (line) add(svg, "line", { class: "down", x1: places.x(place), x2: places.x(place), y1: places.top, y2: places.bottom + 5 });
    const x = places.x(place + (centred ? 0.5 : 0));
    const anchor = centred ? "middle" : "start";
    add(svg, "text", { class: "label", x: centred ? x : x + 2, y: places.bottom + 18, "text-anchor": anchor }, text);
    if (!centred && !line) add(svg, "line", { class: "down", x1: x, x2: x, y1: places.bottom, y2: places.bottom + 5 });
  }
}
