// A charge session in words. No DOM.

import { UNIT_GAP, UNKNOWN, decimal, distance, energy, percent, power } from "./format.js";
import { shown, wall } from "./periods.js";
import { words } from "./strings.js";

export const SOURCES = ["pv", "battery", "grid", "unknown"];
const LEAST_SHARE = 0.005; // less reads as nothing
const MINUTE_S = 60;
const HOUR_S = 3600;
const TIME = { timeStyle: "short" };
const UNBROKEN_DASH = "\u2060–\u2060";
const DAY = { weekday: "short", day: "numeric", month: "short", year: "numeric" };

/** "45 s", "12 min", "2 h 05 min". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < MINUTE_S) return `${whole} s`;
  const minutes = Math.floor(whole / MINUTE_S);
  if (whole < HOUR_S) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** "Thu 26 Nov 2026, 18:02–21:40"; the end has its date where it is another one's. */
export function timesOf({ plugged_at: begin, unplugged_at: end }) {
  const from = `${shown(begin, DAY)}, ${shown(begin, TIME)}`;
  if (end === null) return words("since_time", { time: from });
  if (begin.slice(0, 10) === end.slice(0, 10)) return `${from}${UNBROKEN_DASH}${shown(end, TIME)}`;
  const day = wall(end) - wall(begin) < 300 * 86_400_000 ? { weekday: "short", day: "numeric", month: "short" } : DAY;
  return `${from} – ${shown(end, day)}, ${shown(end, TIME)}`;
}

/** Who charged: the vehicle, else the id tag. */
export function whoOf({ vehicle_id: id, vehicle_name: name, id_tag: tag }) {
  if (name) return name;
  if (id !== null) return words("vehicle_unit", { id });
  return tag === null ? words("vehicle_unknown") : words("tag_unit", { tag });
}

/** The shares of its sources from 0 to 1: [{name, wh, share}], without those that gave nothing; empty: nobody knows. */
export function sharesOf(sources) {
  if (!sources) return [];
  const found = SOURCES.map((name) => ({ name, wh: sources[`${name}_wh`] ?? 0 }));
  const all = found.reduce((sum, { wh }) => sum + wh, 0);
  return all > 0 ? found.filter(({ wh }) => wh > 0).map((one) => ({ ...one, share: one.wh / all })) : [];
}

/** "Solar 87 %, Grid 13 %", in the order of the bar. */
export function shareWords(shares) {
  return shares
    .filter(({ share }) => share >= LEAST_SHARE)
    .map(({ name, share }) => `${words(`source_${name}`)} ${percent(share * 100)}`)
    .join(", ");
}

/** What it has counted by now: what the meter shows less what it showed at the start, where nothing jumped in between. */
export function energyNow(session, meterWh) {
  const { energy_wh: told, meter_start_wh: start, completeness } = session;
  if (meterWh === null || start === null || completeness.includes("meter_jump")) return told;
  const counted = meterWh - start;
  return told === null || counted >= told ? counted : told;
}

const or = (value, format) => (value === null || value === undefined ? null : format(value));
const fromTo = (from, to, format) => (from === null && to === null ? null : `${or(from, format) ?? UNKNOWN} → ${or(to, format) ?? UNKNOWN}`);
const stamp = (text) => shown(text, { dateStyle: "medium", timeStyle: "medium" });

/** With the digits that the energy has, so that it can be checked. */
const meter = (wh) => `${decimal(wh / 1000, 2)}${UNIT_GAP}kWh`;

/** What the details list: [{term, text}], only what is known. */
export function factsOf(session) {
  const sources = sharesOf(session.energy_by_source).map(({ name, wh }) => `${words(`source_${name}`)} ${energy(wh)}`).join(", ");
  const how = sources && words(`sources_${session.source_how}`);
  const found = {
    plugged_in: stamp(session.plugged_at),
    unplugged: or(session.unplugged_at, stamp),
    energy_charged: or(session.energy_wh, energy),
    meter_readings: fromTo(session.meter_start_wh, session.meter_end_wh, meter),
    time_plugged: duration(session.plugged_s),
    time_charging: duration(session.charging_s),
    power_mean: or(session.mean_w, power),
    power_peak: or(session.peak_w, power),
    sources: sources && (how ? `${sources} (${how})` : sources),
    charge_level: fromTo(session.soc_start_percent, session.soc_end_percent, percent),
    odometer: fromTo(session.odometer_start_km, session.odometer_end_km, distance),
    id_tag: session.id_tag,
    serial_number: session.serial_number,
    note: session.note,
  };
  return Object.entries(found).filter(([, text]) => text).map(([name, text]) => ({ term: words(name), text }));
}

/** Its stretches in one mode each: [mode, times, energy]; with days when there are several. */
export function segmentRows({ segments }) {
  const days = new Set(segments.flatMap(({ begin, end }) => [begin, end ?? begin].map((one) => one.slice(0, 10))));
  const time = (text) => (days.size > 1 ? `${shown(text, { weekday: "short" })} ${shown(text, TIME)}` : shown(text, TIME));
  return segments.map(({ mode, begin, end, energy_wh: wh }) => [
    mode === null ? words("mode_unknown") : words(`mode_${mode}`) ?? mode,
    end === null ? words("since_time", { time: time(begin) }) : `${time(begin)}–${time(end)}`,
    or(wh, energy) ?? UNKNOWN,
  ]);
}

/** Who corrected it, when, and why. */
export function versionWords({ author, at, reason }) {
  return words("corrected_by", { author, time: shown(at, { dateStyle: "medium", timeStyle: "short" }), reason });
}

/** "12 charge sessions · 142.0 kWh", and what is odd about some. */
export function totalWords({ sessions, energy_wh: wh, without_energy: without }) {
  const count = words(sessions === 1 ? "one_session" : "many_sessions", { count: sessions });
  const lacking = without > 0 ? words("sessions_without_energy", { count: without }) : null;
  return [count, energy(wh), lacking].filter(Boolean).join(" · ");
}

/** The newest page with those of earlier pages behind it; a charge session that is in both is once in it. */
export function joined(newest, held) {
  const ids = new Set(newest.map(({ id }) => id));
  return [...newest, ...held.filter(({ id }) => !ids.has(id))];
}
