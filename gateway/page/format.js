// Numbers, units and times in the user's own locale. Every function takes a value that is known (not null).

import { words } from "./strings.js";

const LOCALE = navigator.language;
export const UNIT_GAP = "\u202f";
export const UNKNOWN = "—";

const plain = new Map();

/** A number with exactly (or, with `atMost`, at most) `digits` decimals. */
export function decimal(number, digits, atMost = false) {
  const name = `${digits}${atMost}`;
  if (!plain.has(name)) {
    plain.set(name, new Intl.NumberFormat(LOCALE, {
      minimumFractionDigits: atMost ? 0 : digits,
      maximumFractionDigits: digits,
    }));
  }
  // what rounds to nothing has no sign
  return plain.get(name).format(Number(number.toFixed(digits)) || 0);
}

function withUnit(text, unit) {
  return `${text}${UNIT_GAP}${unit}`;
}

/** Watts below 1 kW, kilowatts with two decimals above. */
export function power(watts) {
  const rounded = Math.round(watts);
  if (Math.abs(rounded) < 1000) return withUnit(decimal(rounded, 0), "W");
  return withUnit(decimal(watts / 1000, 2), "kW");
}

/** Kilowatt hours, however many: a meter must read the same here as on its own face. */
export function energy(wattHours) {
  const kilo = wattHours / 1000;
  return withUnit(decimal(kilo, Math.abs(kilo) < 100 ? 2 : 1), "kWh");
}

export function current(amperes) {
  return withUnit(decimal(amperes, 1), "A");
}

export function voltage(volts) {
  return withUnit(decimal(volts, 1), "V");
}

export function percent(number) {
  return withUnit(decimal(number, 0), "%");
}

export function distance(kilometres) {
  return withUnit(decimal(kilometres, 0), "km");
}

export function price(euros) {
  return withUnit(decimal(euros * 100, 2), "ct/kWh");
}

export function clock(epochS) {
  return moment(epochS * 1000);
}

/** The time of day; with the date when it is not today's. */
export function moment(epochMs) {
  const when = new Date(epochMs);
  const today = new Date().toDateString() === when.toDateString();
  return new Intl.DateTimeFormat(LOCALE, today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" }).format(when);
}

/** "12 seconds ago", in the largest unit that is at least one. */
export function ago(milliseconds) {
  const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "always" });
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return relative.format(-seconds, "second");
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return relative.format(-Math.floor(seconds / 3600), "hour");
  return relative.format(-Math.floor(seconds / 86_400), "day");
}

/** The limit of a charge point: {kind, soc_percent, energy_wh}. */
export function limit({ kind, soc_percent, energy_wh }) {
  if (kind === "soc" && soc_percent !== null) return words("limit_soc", { value: percent(soc_percent) });
  if (kind === "energy" && energy_wh !== null) return words("limit_energy", { value: energy(energy_wh) });
  return words(`limit_${kind}`, { value: UNKNOWN }) ?? String(kind);
}

/** A plan in use: its name, its times of day on the box's clock, and its aim. */
export function plan({ name, soc_percent, energy_wh, ready_at, starts_at, ends_at }) {
  const times = starts_at && ends_at ? `${starts_at}–${ends_at}` : ready_at;
  const aim = soc_percent === null ? energy_wh !== null && energy(energy_wh) : percent(soc_percent);
  return [name, times, aim].filter(Boolean).join(" · ") || UNKNOWN;
}

const UNITS = { W: power, Wh: energy, A: current, V: voltage, "%": percent, km: distance, "EUR/kWh": price };

/** Any value of the catalogue: by its unit where it has one, else as it is. */
export function byUnit(known, unit) {
  if (Array.isArray(known)) return known.map((one) => (one === null ? UNKNOWN : byUnit(one, unit))).join("  ");
  if (typeof known === "boolean") return words(known ? "yes" : "no");
  if (typeof known === "number") {
    if (unit && !(unit in UNITS)) return withUnit(decimal(known, 2, true), unit);
    return (UNITS[unit] ?? ((number) => decimal(number, 2, true)))(known);
  }
  if (typeof known === "object") return Object.values(known).filter((one) => one !== null).map((one) => byUnit(one)).join("  ");
  return String(known);
}

export const FORMATS = {
  power,
  energy,
  current,
  percent,
  price,
  clock,
  number: (known) => decimal(known, 2, true),
  text: (known) => String(known),
  yesno: (known) => words(known ? "yes" : "no"),
  mode: (known) => words(`mode_${known}`) ?? String(known),
};
