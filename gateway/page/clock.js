// Two clocks, because neither can be trusted alone: one is set by people and networks, the other stands still on some
// devices while they sleep.

const SET_MS = 5_000;

/** Milliseconds that go on evenly; for every wait and age. */
export const steadyMs = () => performance.now();

/** Tells how long the time since its last look was, by the clock that says more. */
export class ClockWatch {
  constructor() {
    this._seen = { steady: steadyMs(), wall: Date.now() };
  }

  /** {gapMs, apart}: apart when the two clocks disagree, so that no age reckoned so far counts. */
  look() {
    const { steady, wall } = this._seen;
    this._seen = { steady: steadyMs(), wall: Date.now() };
    const [even, told] = [this._seen.steady - steady, this._seen.wall - wall];
    return { gapMs: Math.max(even, told), apart: Math.abs(told - even) > SET_MS };
  }
}
