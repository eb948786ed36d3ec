// The geometry of the history chart: columns of parts on top of each other, sources above the line and uses below it.
// No DOM; pixels from the top left corner.

import { reasonOf } from "./balance.js";

const UP = ["pv", "battery", "grid", "charging", "house"];
const DOWN = ["house", "charging", "battery", "grid", "pv"];
const LEAST = 1000; // W or Wh: below that a chart is noise
const STEPS = [1, 2, 5];
const THIN = 0.78; // of its room a bar that stands alone takes so much

/** The values of the lines across, about `count` of them: {low, high, step, ticks}; the zero is one. */
export function scaleOf(columns, names, count) {
  let [low, high] = [0, 0];
  for (const { parts } of columns) {
    const known = names.map((name) => parts[name]).filter((part) => part && !part.reason);
    high = Math.max(high, known.reduce((sum, { up }) => sum + up, 0));
    low = Math.min(low, -known.reduce((sum, { down }) => sum + down, 0));
  }
  if (high - low < LEAST) high = Math.max(high, low + LEAST);
  const step = stepOf((high - low) / count);
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  const ticks = Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step);
  return { low: first * step, high: last * step, step, ticks };
}

/** The next larger 1, 2 or 5 with zeros. */
export function stepOf(least) {
  const ten = 10 ** Math.floor(Math.log10(least));
  return ten * ([...STEPS, 10].find((one) => one * ten >= least * 0.999_999) ?? 10);
}

/** Where things are in a picture of `count` columns. */
export class Places {
  constructor({ width, height, left, bottom, top }, count, scale) {
    Object.assign(this, { left, top, count, scale });
    this.right = width - 1;
    this.bottom = height - bottom;
  }

  x(place) {
    return this.left + ((this.right - this.left) * place) / this.count;
  }

  y(amount) {
    const { low, high } = this.scale;
    return this.top + ((high - amount) / (high - low)) * (this.bottom - this.top);
  }

  /** The column at a pixel, or -1. */
  at(x) {
    if (x < this.left || x > this.right) return -1;
    return Math.min(this.count - 1, Math.floor(((x - this.left) / (this.right - this.left)) * this.count));
  }
}

/** One path of rectangles for each name. `closed`: neighbours touch, as means of a time that goes on. */
export function pathsOf(columns, names, places, closed) {
  const paths = Object.fromEntries(names.map((name) => [name, ""]));
  columns.forEach(({ parts }, place) => {
    const [left, right] = edgesOf(places, place, closed);
    const draw = (order, way, sign) => {
      let amount = 0;
      for (const name of order) {
        const part = names.includes(name) ? parts[name] : null;
        if (!part || part.reason || part[way] === 0) continue;
        const from = places.y(sign * amount);
        amount += part[way];
        paths[name] += `M${px(left)} ${px(from)}V${px(places.y(sign * amount))}H${px(right)}V${px(from)}z`;
      }
    };
    draw(UP, "up", 1);
    draw(DOWN, "down", -1);
  });
  return paths;
}

function edgesOf(places, place, closed) {
  const [left, right] = [places.x(place), places.x(place + 1)];
  if (closed) return [left, right];
  const spare = ((right - left) * (1 - THIN)) / 2;
  return [left + spare, right - spare];
}

const px = (number) => Math.round(number * 100) / 100;

/** Where columns are not whole, neighbours of one reason together: [{from, to, reason}]. What is ahead of now is no gap. */
export function gapsOf(columns, names, nowMs) {
  const gaps = [];
  columns.forEach((column, place) => {
    const reason = reasonOf(column, names);
    if (reason === null || Date.parse(column.begin) >= nowMs || (reason === "not_yet" && Date.parse(column.end) > nowMs)) return;
    const last = gaps.at(-1);
    if (last?.to === place && last.reason === reason) last.to = place + 1;
    else gaps.push({ from: place, to: place + 1, reason });
  });
  return gaps;
}

/** The place of a moment among the columns, with fractions, or null when it is not among them. */
export function placeOf(columns, ms) {
  const place = columns.findIndex(({ end }) => Date.parse(end) > ms);
  if (place < 0) return null;
  const [begin, end] = [Date.parse(columns[place].begin), Date.parse(columns[place].end)];
  return ms < begin ? null : place + (ms - begin) / (end - begin);
}
