// The socket under a LiveState: opens it, watches it, and comes back after it was lost.
//
// Rules:
// * At most one socket. Messages of a socket that was given up are ignored.
// * Silence of 25 s with a subscription, or no pong 3 s after a probe, means dead: close and come back at once.
// * A tick that comes much too late means that the machine slept: probe instead of judging by the silence.
// * After a close: the class of the close code decides (afterClose). What comes back uses full jitter.
// * drain: move to a new connection at a random moment within the time given.

import { IDLE_PING_MS, PONG_MS, SILENCE_MS, SUBPROTOCOL, afterClose } from "./live.js";

const TICK_MS = 1_000;
const SLEPT_MS = 10_000;
const CONNECT_MS = 10_000;
const DEAD = 1006; // as if the browser had noticed

export class Connection {
  /** `onChange()` follows every change of state or status; `onLogin()` means that the token no longer counts. */
  constructor({ url, state, onChange, onLogin, random = Math.random }) {
    this.status = { phase: "connecting", retryAtMs: null, code: null };
    this._url = url;
    this._state = state;
    this._onChange = onChange;
    this._onLogin = onLogin;
    this._random = random;
    this._socket = null;
    this._attempt = 0;
    this._timers = new Map();
    this._wake = () => this.wake();
    this._visible = () => document.visibilityState === "visible" && this.wake();
  }

  start() {
    addEventListener("online", this._wake);
    document.addEventListener("visibilitychange", this._visible);
    this._lastTickMs = Date.now();
    this._ticker = setInterval(() => this._tick(), TICK_MS);
    this._connect();
  }

  stop() {
    removeEventListener("online", this._wake);
    document.removeEventListener("visibilitychange", this._visible);
    clearInterval(this._ticker);
    this._drop();
    this._status("stopped");
  }

  /** After sleep or a change of network: prove the connection, or come back at once when there is none. */
  wake() {
    if (this.status.phase === "open") this._probe();
    else if (this.status.phase === "waiting") this._connect();
  }

  /** The user's wish to connect again after a final close. */
  again() {
    this._attempt = 0;
    this._connect();
  }

  _connect() {
    this._drop();
    this._status("connecting");
    const socket = new WebSocket(this._url, [SUBPROTOCOL]);
    this._socket = socket;
    this._heardMs = Date.now();
    socket.addEventListener("open", () => socket === this._socket && this._opened());
    socket.addEventListener("message", (event) => socket === this._socket && this._message(event.data));
    socket.addEventListener("close", (event) => socket === this._socket && this._closed(event.code));
  }

  _opened() {
    this._heardMs = Date.now();
    this._status("open");
    this._send(this._state.opened());
  }

  _message(text) {
    this._heardMs = Date.now();
    this._cancel("pong");
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    const todo = this._state.received(message, this._heardMs);
    if (this._state.current) this._attempt = 0;
    if (todo.login) {
      this.stop();
      this._onLogin();
      return;
    }
    if (todo.send) this._send(todo.send);
    if (todo.drainMs) this._after("drain", this._random() * todo.drainMs, () => this._connect());
    if (todo.reconnectMs) this._after("reconnect", todo.reconnectMs, () => this._connect());
    if (todo.resubscribeMs) this._after("resubscribe", todo.resubscribeMs, () => this._send(this._state.resubscribe()));
    if (todo.changed) this._onChange();
  }

  _closed(code) {
    this._drop();
    const next = afterClose(code, this._attempt++, this._random());
    if (next.login) {
      this.stop();
      this._onLogin();
    } else if (next.stop) {
      this._status("ended", { code });
    } else {
      this._status("waiting", { code, retryAtMs: Date.now() + next.wait });
      this._after("retry", next.wait, () => this._connect());
    }
  }

  _probe() {
    this._send([{ type: "ping" }]);
    if (!this._timers.has("pong")) this._after("pong", PONG_MS, () => this._connect());
  }

  _tick() {
    const now = Date.now();
    const slept = now - this._lastTickMs > SLEPT_MS;
    this._lastTickMs = now;
    if (this.status.phase === "connecting" && now - this._heardMs > CONNECT_MS) this._closed(DEAD);
    if (this.status.phase !== "open") return;
    const silence = now - this._heardMs;
    if (slept) this._probe();
    else if (silence > SILENCE_MS) this._closed(DEAD);
    else if (silence > IDLE_PING_MS && !this._state.subscribed) this._send([{ type: "ping" }]);
  }

  _send(messages) {
    if (this._socket?.readyState !== WebSocket.OPEN) return;
    for (const message of messages) this._socket.send(JSON.stringify(message));
  }

  _drop() {
    for (const name of [...this._timers.keys()]) this._cancel(name);
    const socket = this._socket;
    this._socket = null;
    socket?.close();
  }

  _status(phase, more = {}) {
    this.status = { phase, retryAtMs: null, code: null, ...more };
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
