// Where energy comes from and where it goes, column by column, out of an answer about history.
//
// Rules:
// * A part of a column is {up, down}: what came from there, and what went there; both are not negative. Or it is
//   {reason}: nobody knows it, and why: stale, unknown, not_recorded or not_yet.
// * Power is the mean of a bucket. Energy is what the counters counted.
// * A counter that was not seen for a while has counted nevertheless: the column after a gap holds that, too.
// * The house has no meter of its own: its energy is what the others leave of what came in, and is unknown where one of
//   them is. A counter that was not recorded before its first number was not there before.

export const NAMES = ["pv", "battery", "grid", "charging", "house"];
const SIGNS = { pv: 1, battery: -1, grid: 1, charging: -1, house: -1 };
const COUNTERS = {
  pv: { up: "pv/produced_wh" },
  battery: { up: "battery/discharged_wh", down: "battery/charged_wh" },
  grid: { up: "grid/imported_wh", down: "grid/exported_wh" },
  charging: { down: "charging/energy_wh" },
};
export const POWER_KEYS = NAMES.map((name) => `${name}/power_w`);
export const COUNTER_KEYS = Object.values(COUNTERS).flatMap((keys) => Object.values(keys));
const REASONS = ["not_recorded", "stale", "unknown", "not_yet"]; // who has the first of them tells it
const NOT_SEEN = "not_recorded";

/** The columns of power: [{begin, end, parts, known}]; `known`: how much of it is, at least, from 0 to 1. */
export function powers(answer) {
  const series = seriesOf(answer);
  const names = NAMES.filter((name) => series.has(`${name}/power_w`));
  return answer.times.map((begin, place) => ({
    begin,
    end: answer.times[place + 1] ?? answer.to,
    parts: Object.fromEntries(names.map((name) => [name, powerPart(name, series.get(`${name}/power_w`), place)])),
    known: Math.min(1, ...names.map((name) => series.get(`${name}/power_w`).coverage?.[place] || 1)),
  }));
}

function powerPart(name, one, place) {
  const watts = one.values[place];
  return watts === null ? { reason: one.reasons[place] } : split(watts * SIGNS[name]);
}

/** The columns of energy, one for each group of places [begin, end); `isAfterGap`: it holds what a gap before it hid. */
export function energies(answer, groups) {
  const series = seriesOf(answer);
  const seen = new Map([...series].map(([key, one]) => [key, firstKnown(one)]));
  return groups.map(([begin, end]) => ({
    begin: answer.times[begin],
    end: answer.times[end] ?? answer.to,
    parts: energyParts(series, seen, begin, end),
    known: 1,
    isAfterGap: [...series].some(([key, one]) => isAfterGap(one, begin, seen.get(key))),
  }));
}

/** The parts of all of it together. */
export function sums(answer) {
  if (answer.times.length === 0) return {};
  return energies(answer, [[0, answer.times.length]])[0].parts;
}

/** Which of the names the columns have, in the order of NAMES. */
export function namesIn(columns) {
  return NAMES.filter((name) => columns.some(({ parts }) => name in parts));
}

/** Why a column is not whole, or null. */
export function reasonOf({ parts }, names) {
  const found = names.map((name) => parts[name]?.reason).filter(Boolean);
  return REASONS.find((reason) => found.includes(reason)) ?? null;
}

function seriesOf(answer) {
  return new Map(answer.series.map((one) => [one.key, { ...one, reasons: reasonsOf(one) }]));
}

/** The reason at each place of the list; where the list has a number nobody reads it. */
function reasonsOf({ values, gaps }) {
  const reasons = values.map(() => NOT_SEEN);
  for (const { from, to, reason } of gaps) reasons.fill(reason, from, to);
  return reasons;
}

function firstKnown({ energy_wh: energy, values }) {
  const place = (energy ?? values).findIndex((one) => one !== null);
  return place < 0 ? Infinity : place;
}

function isAfterGap({ energy_wh: energy }, begin, first) {
  return begin > first && energy?.[begin] != null && energy[begin - 1] === null;
}

function energyParts(series, seen, begin, end) {
  const parts = {};
  let house = 0;
  let reason = null;
  for (const [name, keys] of Object.entries(COUNTERS)) {
    const there = Object.entries(keys).filter(([, key]) => series.has(key));
    if (there.length === 0) continue;
    const part = { up: 0, down: 0 };
    for (const [way, key] of there) {
      const found = counted(series.get(key), begin, end);
      if (found.reason) part.reason = found.reason;
      else part[way] = found.wh;
      const isNew = found.reason === NOT_SEEN && end <= seen.get(key) && name !== "grid";
      if (found.reason && !isNew) reason = found.reason;
    }
    parts[name] = part.reason ? { reason: part.reason } : part;
    house += part.up - part.down;
  }
  if (parts.grid) parts.house = reason ? { reason } : split(-house);
  return parts;
}

/** What a counter counted from a place to another: {wh} or {reason}. */
function counted({ energy_wh: energy, reasons }, begin, end) {
  const known = energy.slice(begin, end).filter((one) => one !== null);
  if (known.length > 0) return { wh: known.reduce((sum, one) => sum + one, 0) };
  return { reason: REASONS.find((reason) => reasons.slice(begin, end).includes(reason)) ?? NOT_SEEN };
}

const split = (amount) => ({ up: Math.max(0, amount), down: Math.max(0, -amount) });
