import { type RateDecision, type RateWindow, WINDOW_MS } from "./rate-window.ts";

/** The lenient reading: a counter that starts again at every full second of the monotonic clock. */
export class FixedWindow implements RateWindow {
  readonly #limit: number;
  #second = Number.NaN;
  #times = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  admit(atMs: number): RateDecision {
    const second = Math.floor(atMs / WINDOW_MS);
    if (second !== this.#second) this.#times = 0;
    this.#second = second;
    this.#times += 1;
    return { admitted: this.#times <= this.#limit, timesInSecond: this.#times };
  }
}
