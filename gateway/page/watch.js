// Loads what a section shows when it comes into view, and again while somebody looks at it.

import { steadyMs } from "./clock.js";
import { refusalWords } from "./entry.js";
import { words } from "./strings.js";

const LOOK_MS = 2_000;
const RETRY_MS = 10_000;

/** Why something could not be loaded, for people. */
export function failureWords(failure) {
  return failure.status === 401 ? words("login_ended") : refusalWords(failure);
}

export class Watch {
  /** `load()` is called every so often while the element is in view; false: it failed, and is called again soon. */
  constructor(element, load, everyMs) {
    this._load = load;
    this._everyMs = everyMs;
    this._inView = false;
    this._running = null;
    this._nextMs = Infinity;
    new IntersectionObserver((seen) => {
      this._inView = seen.at(-1).isIntersecting;
      this._look();
    }, { rootMargin: "300px" }).observe(element);
    document.addEventListener("visibilitychange", () => this._look());
    setInterval(() => this._look(), LOOK_MS);
  }

  /** Load as soon as it is in view, without waiting for what is being loaded. */
  start() {
    this._running = null;
    this._nextMs = -Infinity;
    this._look();
  }

  stop() {
    this._running = null;
    this._nextMs = Infinity;
  }

  async _look() {
    if (!this._inView || document.hidden || this._running || steadyMs() < this._nextMs) return;
    const mine = {};
    this._running = mine;
    this._nextMs = steadyMs() + this._everyMs;
    const done = await this._load();
    if (this._running !== mine) return;
    this._running = null;
    if (!done) this._nextMs = Math.min(this._nextMs, steadyMs() + RETRY_MS);
  }
}
