// The one judgement of the page: are the values live, and if not, why and since when. No DOM.
//
// Live means: the connection stands and is proved, the gateway spoke lately, it doubts nothing, and its link to the box
// is up. A single value may be stale nevertheless. Times of values are on the gateway's clock, never on the device's.

import { words } from "./strings.js";

const LINK_TONES = { up: "good", connecting: "wait" };

/** One reading of a state, as {value, changedAt, stale}, or undefined when the key does not exist. */
export function reading(state, key) {
  const found = state.values.get(key);
  return found && { value: found[0], changedAt: found[1], stale: found[2] === "stale" };
}

export function known(state, key) {
  return state.values.get(key)?.[0] ?? null;
}

/**
 * {live, tone, word, reason, detail, sinceMs, again}: tone is good, wait or bad; `detail` may change each second and is
 * not read aloud; `again` offers to connect again.
 */
export function judge(state, status, nowMs, online) {
  return ofSocket(state, status, nowMs, online) ?? ofStore(state) ?? ofLink(state);
}

/**
 * The time as of which the values are known, or null: the newest change among the box's own values. While the box
 * counts as connected, the gateway's last word: what it did not name had not changed by then.
 */
export function asOfMs(state) {
  const newest = newestMs(state);
  const vouched = state.vouchedMs === null ? null : state.serverMs(state.vouchedMs);
  return known(state, "link/state") === "up" && vouched !== null ? Math.max(newest, vouched) : newest;
}

function newestMs(state) {
  let newest = null;
  for (const [key, [, changedAt]] of state.values) {
    if (changedAt !== null && !key.startsWith("link/") && changedAt > newest) newest = changedAt;
  }
  return newest === null ? null : newest * 1000;
}

function not(tone, word, reason, more = {}) {
  return { live: false, tone, word: words(word), reason, detail: null, sinceMs: null, again: false, ...more };
}

function ofSocket(state, status, nowMs, online) {
  if (status.phase === "ended") {
    const reason = status.code === 4005 ? words("socket_replaced") : words("socket_ended", { code: status.code });
    return not("bad", "word_stopped", reason, { again: true });
  }
  if (status.phase === "open") {
    if (status.proving) return not("wait", "word_connecting", words("socket_proving"));
    if (status.silentMs > state.quietMs) return not("wait", "word_connecting", words("socket_quiet"));
    if (state.current || state.problem) return null;
    return not("wait", "word_connecting", words("socket_loading"));
  }
  if (!online) return not("bad", "word_offline", words("socket_offline"));
  if (status.phase === "waiting") {
    const seconds = Math.max(0, Math.ceil((status.retryAtMs - nowMs) / 1000));
    return not("bad", "word_down", words("socket_waiting"), { detail: words("next_try", { seconds }) });
  }
  return not("wait", "word_connecting", words("socket_connecting"));
}

function ofStore(state) {
  if (!state.problem) return null;
  const own = words(state.problem.code);
  if (own) return not("bad", "word_down", own);
  return not("bad", "word_down", words("socket_refused", { message: state.problem.message }));
}

function ofLink(state) {
  const link = known(state, "link/state");
  const sinceS = known(state, "link/since");
  const sinceMs = typeof sinceS === "number" ? sinceS * 1000 : null;
  if (link === null) return not("wait", "word_connecting", words("link_unknown"));
  if (link === "up") {
    return { ...not("good", "word_live", words("link_up"), { sinceMs }), live: true };
  }
  const cause = reasonWords(known(state, "link/reason"));
  const said = words(`link_${link}`) ?? link;
  const word = words(`word_${link}`) ? `word_${link}` : "word_down";
  return not(LINK_TONES[link] ?? "bad", word, cause ? `${said}: ${cause}` : said, { sinceMs });
}

function reasonWords(reason) {
  if (!reason) return null;
  const [name, ...detail] = String(reason).split(":");
  return words(`reason_${name}`, { detail: detail.join(":").trim() }) ?? String(reason);
}
