// The client's side of the live protocol (gateway.v1.json), without socket, clock or DOM.
//
// Rules:
// * What is held is a position {epoch, seq, view} and the values at it. Both exist only after a whole snapshot.
// * delta: from > held is a gap (resubscribe from what is held); seq <= held is old (ignore); else apply it and hold
//   max(held, seq). A value null means that the key ceased to be; [null, …] means known to be unknown.
// * snapshot: its parts are gathered aside and take effect together with the last one; no delta counts in between.
// * reset: the position is void, the subscription has the number `now`, a snapshot follows. Values stay until it came.
//   With reason "view" the view is void too, until the next `subscribed`.
// * A new connection authenticates and subscribes from the held position without waiting for answers.
// * Only the answer to `auth` says that the token no longer counts: when it could not be checked, what waited for it is
//   refused as unauthenticated too.
// * An error that concerns the store or the whole site puts all values in doubt until the next delta, also an empty one,
//   or snapshot: none is sent meanwhile.
// * A connection that was moved to while the former one still stood goes on from its values: they stay current.
// * Times handed in are steady: they go on evenly, whatever happens to the device's clock (clock.js).
// * Events come once each, in the order of their ids, from the last one held on: at first, from a day ago.
// * Unknown messages and fields are ignored.

export const SUBPROTOCOL = "gateway.v1.json";
export const SILENCE_MS = 25_000;
export const PONG_MS = 3_000;
export const IDLE_PING_MS = 20_000;
const QUIET_MARGIN_MS = 5_000;
const BACKOFF_BASE_MS = 1_000;
const BACKOFF_CAP_MS = 60_000;
const RETRY_AFTER_MS = 5_000;
const AUTH_ID = 1;
const EVENTS_KEPT = 20;
const DAY_MS = 86_400_000;
const DOUBT_CODES = new Set(["store_unavailable", "site_unavailable"]);
const LOGIN_CODES = new Set(["unauthenticated", "bad_credentials"]);
const LOGIN_CLOSES = new Set([4001, 4010, 4203]);

/** What a close code asks for: {login}, {stop} or {wait: milliseconds}. `attempt` counts failures in a row from 0. */
export function afterClose(code, attempt, random, withinMs = 2_000) {
  if (LOGIN_CLOSES.has(code)) return { login: true };
  if (code >= 4000 && code < 4100) return { stop: true };
  if (code >= 4200 && code < 4300) return { wait: random * withinMs };
  return { wait: random * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16)) };
}

/** Whether an event's id is behind another: both are two numbers, not text. */
export function isBehind(id, other) {
  const [ms, number] = id.split("-").map(BigInt);
  const [otherMs, otherNumber] = other.split("-").map(BigInt);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}

/** What is known of one site through one subscription, over any number of connections. */
export class LiveState {
  /** `eventsNowMs` need not be right: it only says which events are a day old. */
  constructor({ site, keys, minIntervalMs, token, device, eventsNowMs = 0 }) {
    this.site = site;
    this.values = new Map();
    this.position = null;
    this.problem = null;
    this.vouchedMs = null; // when the gateway last spoke of these values
    this.quietMs = 15_000; // a gateway that has been silent for so long vouches for nothing
    this.events = []; // the newest first
    this._lastEvent = `${Math.max(0, eventsNowMs - DAY_MS)}-0`;
    this._serverAheadMs = null;
    this._wanted = { site, keys, min_interval_ms: minIntervalMs };
    this._auth = { type: "auth", id: AUTH_ID, token, device };
    this._nextId = AUTH_ID + 1;
    this._handlers = {
      hello: this._hello,
      subscribed: this._subscribed,
      snapshot: this._snapshot,
      delta: this._delta,
      reset: this._reset,
      drain: this._drain,
      pong: this._pong,
      event: this._event,
      error: this._error,
    };
    this._forgetConnection();
  }

  /** The first messages of a new connection. */
  opened({ moved = false } = {}) {
    if (moved) this._forgetSubscription();
    else this._forgetConnection();
    return [this._auth, this._subscribe()];
  }

  /** Whether a subscription stands, so that its heartbeat can be expected. */
  get subscribed() {
    return this._subscription !== null;
  }

  /** Whether the values shown are those of this connection. */
  get current() {
    return this._current;
  }

  /** The gateway's clock at a steady time, in epoch milliseconds; null before it told. */
  serverMs(nowMs) {
    return this._serverAheadMs === null ? null : nowMs + this._serverAheadMs;
  }

  /** Take one message. Answers what to do: {send, changed, login} and
   * {drainMs, reconnectMs, resubscribeMs}: within or after how long; {proved}: it answered a ping. Each only when it
   * applies. */
  received(message, nowMs) {
    const handler = Object.hasOwn(this._handlers, message.type) ? this._handlers[message.type] : null;
    return handler?.call(this, message, nowMs) ?? {};
  }

  /** A subscription that replaces the present one; also asked for again after a refusal. */
  resubscribe() {
    const asked = this.subscribed ? [{ type: "unsubscribe", id: this._nextId++, subscription: this._subscription }] : [];
    this._forgetSubscription();
    return [...asked, this._subscribe()];
  }

  _forgetConnection() {
    this._forgetSubscription();
    this._current = false;
  }

  _forgetSubscription() {
    this._subscription = null;
    this._subscribeId = null;
    this._view = null;
    this._parts = null;
  }

  _subscribe() {
    this._subscribeId = this._nextId++;
    const asked = { type: "subscribe", id: this._subscribeId, ...this._wanted, events_after: this._lastEvent };
    return this.position?.view ? { ...asked, from: this.position } : asked;
  }

  _hello(message, nowMs) {
    if (typeof message.server_time === "number") this._serverAheadMs = message.server_time * 1000 - nowMs;
    const heartbeatS = message.limits?.heartbeat_s;
    if (heartbeatS > 0) this.quietMs = Math.min(heartbeatS * 1000 + QUIET_MARGIN_MS, SILENCE_MS);
    return {};
  }

  _subscribed(message) {
    if (message.id !== this._subscribeId) return {};
    this._subscription = message.subscription;
    this._view = message.view;
    this._parts = null;
    if (message.how === "snapshot") {
      this.position = null;
      return {};
    }
    this._hold(this.position.epoch, this.position.seq);
    return { changed: true };
  }

  _snapshot(message, nowMs) {
    if (message.subscription !== this._subscription) return {};
    if (message.part === 1) this._parts = new Map();
    if (this._parts === null) return {};
    for (const [key, reading] of Object.entries(message.values)) this._parts.set(key, reading);
    if (message.part < message.parts) return {};
    this.values = this._parts;
    this._parts = null;
    this.vouchedMs = nowMs;
    this._hold(message.epoch, message.seq);
    return { changed: true };
  }

  _delta(message, nowMs) {
    if (message.subscription !== this._subscription || this._parts !== null || this.position === null) return {};
    const held = this.position.seq;
    if (message.from > held) return { send: this.resubscribe() };
    this.vouchedMs = nowMs;
    const healed = this.problem !== null;
    this.problem = null;
    if (message.seq <= held) return { changed: healed };
    for (const [key, reading] of Object.entries(message.values)) {
      if (reading === null) this.values.delete(key);
      else this.values.set(key, reading);
    }
    this._hold(this.position.epoch, message.seq);
    return { changed: true };
  }

  _hold(epoch, seq) {
    this.position = { epoch, seq, view: this._view };
    this._current = true;
    this.problem = null;
  }

  _reset(message) {
    if (message.subscription !== this._subscription) return {};
    this.position = null;
    this._parts = null;
    this._subscription = message.now;
    if (message.reason === "view") this._view = null;
    return {};
  }

  _drain(message) {
    return { drainMs: message.within_s * 1000 };
  }

  _event(message) {
    if (message.site !== this.site || !isBehind(message.event_id, this._lastEvent)) return {};
    this._lastEvent = message.event_id;
    this.events = [message, ...this.events].slice(0, EVENTS_KEPT);
    return { changed: true };
  }

  _pong() {
    return { proved: true };
  }

  _error(message) {
    const ofAuth = message.id === AUTH_ID;
    const ofSubscribe = message.id !== null && message.id === this._subscribeId;
    if (LOGIN_CODES.has(message.code)) return ofSubscribe ? {} : { login: true };
    if (!ofAuth && !ofSubscribe && !DOUBT_CODES.has(message.code)) return {};
    this.problem = { code: message.code, message: message.message };
    const retryMs = message.retry_after_s ? message.retry_after_s * 1000 : RETRY_AFTER_MS;
    if (ofAuth) return { changed: true, reconnectMs: retryMs };
    if (ofSubscribe) return { changed: true, resubscribeMs: retryMs };
    return { changed: true };
  }
}
