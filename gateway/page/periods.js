// Days, weeks, months and years of a site's calendar. A date is text, "2026-03-01"; no time zone is needed for it.

export const KINDS = ["day", "week", "month", "year"];
const DAY_MS = 86_400_000;
const MONTHS = 12;

/** How a kind is asked for: one bucket a column, and of a year one column a month. */
export const RESOLUTIONS = { day: "15m", week: "1h", month: "1d", year: "1d" };

const dayOf = (date) => Date.parse(`${date}T00:00:00Z`);
const dateOf = (ms) => new Date(ms).toISOString().slice(0, 10);
const firstOf = (year, month) => dateOf(Date.UTC(year, month, 1));

const dates = new Map();

/** Which date it is in a time zone, or without one where this device is. */
export function today(ms, zone) {
  if (!dates.has(zone)) dates.set(zone, new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeZone: zone }));
  return dates.get(zone).format(ms);
}

/** The period of a kind in which a date is: {kind, from, to}, without the date `to`. Weeks begin on Monday. */
export function periodOf(kind, date) {
  const [year, month] = date.split("-").map(Number);
  if (kind === "month") return { kind, from: firstOf(year, month - 1), to: firstOf(year, month) };
  if (kind === "year") return { kind, from: firstOf(year, 0), to: firstOf(year + 1, 0) };
  const ms = dayOf(date);
  if (kind === "day") return { kind, from: date, to: dateOf(ms + DAY_MS) };
  const monday = ms - ((new Date(ms).getUTCDay() + 6) % 7) * DAY_MS;
  return { kind, from: dateOf(monday), to: dateOf(monday + 7 * DAY_MS) };
}

/** The one before or after it. */
export function beside(period, steps) {
  return periodOf(period.kind, steps < 0 ? dateOf(dayOf(period.from) - DAY_MS) : period.to);
}

export function holds(period, date) {
  return period.from <= date && date < period.to;
}

/** Another kind of period about the same time; where that holds today, the one of today. */
export function turned(period, kind, date) {
  return periodOf(kind, holds(period, date) ? date : period.from);
}

const written = new Map();

/** A date or a local time "2026-03-01T06:00:00+01:00" as it is written, whatever the zone of this device. */
export function shown(text, options) {
  const name = JSON.stringify(options);
  if (!written.has(name)) written.set(name, new Intl.DateTimeFormat(navigator.language, { ...options, timeZone: "UTC" }));
  return written.get(name).format(wall(text));
}

/** The hands of the site's clock, as epoch milliseconds. */
export function wall(text) {
  return Date.parse(text.length > 10 ? `${text.slice(0, 19)}Z` : `${text}T00:00:00Z`);
}

const DAY = { weekday: "short", day: "numeric", month: "short", year: "numeric" };

export function titleOf({ kind, from, to }) {
  if (kind === "day") return shown(from, DAY);
  if (kind === "month") return shown(from, { month: "long", year: "numeric" });
  if (kind === "year") return shown(from, { year: "numeric" });
  const form = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return form.formatRange(dayOf(from), dayOf(to) - DAY_MS);
}

/** What a column stands for. */
export function columnTitle(kind, { begin, end }) {
  if (kind === "year") return shown(begin, { month: "long", year: "numeric" });
  if (kind === "month") return shown(begin, DAY);
  const time = { timeStyle: "short" };
  const day = kind === "week" ? `${shown(begin, { weekday: "short", day: "numeric", month: "short" })}, ` : "";
  return `${day}${shown(begin, time)}–${shown(end, time)}`;
}

/** The places [begin, end) of the times that make each column: each one, or of a year the days of each month. */
export function groupsOf(kind, times) {
  if (kind !== "year") return times.map((_, place) => [place, place + 1]);
  const groups = [];
  times.forEach((time, place) => {
    if (place === 0 || time.slice(0, 7) !== times[place - 1].slice(0, 7)) groups.push([place, place]);
    groups.at(-1)[1] = place + 1;
  });
  return groups.slice(0, MONTHS);
}

const ROOM = { day: 44, week: 44, month: 22, year: 26 };

/** Words below the columns, as many as have room: [{place, text, line}]; `line`: a day begins there. */
export function marksOf(kind, columns, width) {
  const all = columns.map(({ begin }, place) => ({ place, ...markOf(kind, begin, place) })).filter((one) => one.text);
  const every = [1, 2, 3, 6, 12].find((step) => all.length / step <= Math.max(1, width / ROOM[kind])) ?? 24;
  return all.filter((one) => one.order % every === 0);
}

function markOf(kind, begin, place) {
  const time = begin.slice(11, 16);
  if (kind === "year") return { text: shown(begin, { month: "short" }), order: Number(begin.slice(5, 7)) - 1 };
  if (kind === "month") return { text: String(Number(begin.slice(8, 10))), order: place };
  if (kind === "week") return time === "00:00" ? { text: shown(begin, { weekday: "short", day: "numeric" }), order: place / 24 | 0, line: place > 0 } : {};
  return time.endsWith(":00") ? { text: time, order: Number(time.slice(0, 2)) } : {};
}
