// The socket under a LiveState: opens it, watches it, and comes back after it was lost.
//
// Rules:
// * One socket serves; a second one exists only while it is being moved to. Messages of a socket that was given up are
//   ignored.
// * Silence of 25 s with a subscription, or no pong 3 s after a probe, means dead: close and come back at once.
// * A tick that comes much too late means that the machine slept, or that the page was frozen: only a pong proves that
//   the connection lives. What comes before it may have lain in buffers since, and shows nothing as live.
// * When the two clocks of the device disagree, the gateway's time is asked for anew, by another connection.
// * After a close: the class of the close code decides (afterClose). What comes back uses full jitter.
// * drain: at a random moment within the time given another connection is made, and only then this one is left.

import { ClockWatch, steadyMs } from "./clock.js";
import { IDLE_PING_MS, PONG_MS, SILENCE_MS, SUBPROTOCOL, afterClose } from "./live.js";

const TICK_MS = 1_000;
const SLEPT_MS = 10_000;
const CONNECT_MS = 10_000;
const MOVE_AGAIN_MS = 1_000;
const DEAD = 1006; // as if the browser had noticed

export class Connection {
  /** `onChange()` follows every change of state or status; `onLogin()` means that the token no longer counts. */
  constructor({ url, state, onChange, onLogin, random = Math.random }) {
    this._phase = { phase: "connecting", retryAtMs: null, code: null };
    this._url = url;
    this._state = state;
    this._onChange = onChange;
    this._onLogin = onLogin;
    this._random = random;
    this._socket = null;
    this._next = null;
    this._proving = false;
    this._attempt = 0;
    this._timers = new Map();
    this._wake = () => this.wake();
    this._visible = () => document.visibilityState === "visible" && this.wake();
  }

  /** How it stands now: {phase, retryAtMs, code, proving, silentMs}. */
  get status() {
    this._notice();
    return { ...this._phase, proving: this._proving, silentMs: steadyMs() - this._heardMs };
  }

  start() {
    this._clock = new ClockWatch();
    this._listen("addEventListener");
    this._ticker = setInterval(() => this._tick(), TICK_MS);
    this._connect();
  }

  stop() {
    this._listen("removeEventListener");
    clearInterval(this._ticker);
    this._drop();
    this._enter("stopped");
  }

  /** After sleep or a change of network: prove the connection, or come back at once when there is none. */
  wake() {
    this._notice();
    if (this._phase.phase === "open") this._probe();
    else if (this._phase.phase === "waiting") this._connect();
  }

  /** The user's wish to connect again after a final close. */
  again() {
    this._attempt = 0;
    this._connect();
  }

  _listen(how) {
    for (const event of ["online", "offline", "pageshow"]) globalThis[how](event, this._wake);
    document[how]("visibilitychange", this._visible);
    document[how]("resume", this._wake);
    navigator.connection?.[how]("change", this._wake);
  }

  _dial() {
    const socket = new WebSocket(this._url, [SUBPROTOCOL]);
    socket.addEventListener("open", () => socket === this._socket && this._begin({ moved: false }));
    socket.addEventListener("message", (event) => this._message(socket, event.data));
    socket.addEventListener("close", (event) => this._closed(socket, event.code));
    return socket;
  }

  _connect() {
    this._drop();
    this._enter("connecting");
    this._heardMs = steadyMs();
    this._socket = this._dial();
  }

  /** Make another connection while this one still serves. */
  _move() {
    if (this._phase.phase !== "open") return;
    this._next = this._dial();
    this._after("move", CONNECT_MS, () => this._closed(this._next, DEAD));
  }

  /** The other gateway has spoken: leave this connection for it. */
  _arrive(socket) {
    this._next = null;
    this._drop();
    this._socket = socket;
    this._begin({ moved: true });
  }

  _begin(how) {
    this._heardMs = steadyMs();
    this._enter("open");
    this._send(this._state.opened(how));
  }

  _message(socket, text) {
    this._notice();
    if (socket === this._next) this._arrive(socket);
    if (socket !== this._socket) return;
    this._heardMs = steadyMs();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    const todo = this._state.received(message, this._heardMs);
    if (this._state.current) this._attempt = 0;
    if (todo.login) this._loginOver();
    else this._do(todo);
  }

  _do(todo) {
    if (todo.proved) this._proved();
    if (todo.send) this._send(todo.send);
    if (todo.drainMs !== undefined) this._after("move", this._random() * todo.drainMs, () => this._move());
    if (todo.reconnectMs) this._after("reconnect", todo.reconnectMs, () => this._connect());
    if (todo.resubscribeMs) this._after("resubscribe", todo.resubscribeMs, () => this._send(this._state.resubscribe()));
    if (todo.changed) this._onChange();
  }

  _closed(socket, code) {
    if (socket !== null && socket === this._next) {
      this._next = null;
      socket.close();
      this._after("move", (0.5 + this._random()) * MOVE_AGAIN_MS, () => this._move());
    } else if (socket === this._socket) {
      this._lost(code);
    }
  }

  _lost(code) {
    const next = afterClose(code, this._attempt++, this._random());
    if (next.wait !== undefined && this._next) {
      this._promote();
      return;
    }
    this._drop();
    if (next.login) {
      this._loginOver();
    } else if (next.stop) {
      this._enter("ended", { code });
    } else {
      this._enter("waiting", { code, retryAtMs: steadyMs() + next.wait });
      this._after("retry", next.wait, () => this._connect());
    }
  }

  /** The connection to move to has not opened yet, and is all there is. */
  _promote() {
    this._cancel("move");
    [this._socket, this._next] = [this._next, null];
    this._heardMs = steadyMs();
    this._enter("connecting");
  }

  _loginOver() {
    this.stop();
    this._onLogin();
  }

  _probe() {
    if (this._socket?.readyState !== WebSocket.OPEN) {
      this._connect();
      return;
    }
    this._send([{ type: "ping" }]);
    if (!this._timers.has("pong")) this._after("pong", PONG_MS, () => this._connect());
  }

  _proved() {
    this._cancel("pong");
    if (!this._proving) return;
    this._proving = false;
    this._onChange();
  }

  /** Find out whether the device slept, before anything is believed. */
  _notice() {
    if (!this._clock) return;
    const { gapMs, apart } = this._clock.look();
    const phase = this._phase.phase;
    if (phase === "open" && apart) {
      this._connect();
    } else if (phase === "open" && gapMs > SLEPT_MS) {
      this._proving = true;
      this._onChange();
      this._probe();
    } else if (phase === "waiting" && gapMs > SLEPT_MS) {
      this._connect();
    }
  }

  _tick() {
    this._notice();
    const silence = steadyMs() - this._heardMs;
    if (this._phase.phase === "connecting" && silence > CONNECT_MS) this._lost(DEAD);
    if (this._phase.phase !== "open" || this._timers.has("pong")) return;
    if (silence > SILENCE_MS) this._lost(DEAD);
    else if (silence > IDLE_PING_MS && !this._state.subscribed) this._send([{ type: "ping" }]);
  }

  _send(messages) {
    if (this._socket?.readyState !== WebSocket.OPEN) return;
    for (const message of messages) this._socket.send(JSON.stringify(message));
  }

  _drop() {
    for (const name of [...this._timers.keys()]) this._cancel(name);
    this._proving = false;
    const sockets = [this._socket, this._next];
    this._socket = this._next = null;
    for (const socket of sockets) socket?.close();
  }

  _enter(phase, more = {}) {
    this._phase = { phase, retryAtMs: null, code: null, ...more };
    this._onChange();
  }

  _after(name, waitMs, act) {
    this._cancel(name);
    this._timers.set(name, setTimeout(() => {
      this._timers.delete(name);
      act();
    }, waitMs));
  }

  _cancel(name) {
    clearTimeout(this._timers.get(name));
    this._timers.delete(name);
  }
}
