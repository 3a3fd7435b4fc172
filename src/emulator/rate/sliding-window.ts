import type { RateDecision, RateWindow } from "./rate-window.ts";
import { RecentArrivals } from "./recent-arrivals.ts";

/** The strict reading of "20 a second": no 1,000 ms, wherever they begin, hold more than 20 admitted arrivals. */
export class SlidingWindow implements RateWindow {
  readonly #limit: number;
  readonly #admitted = new RecentArrivals();
  readonly #all = new RecentArrivals();

  constructor(limit: number) {
    this.#limit = limit;
  }

  admit(atMs: number): RateDecision {
    const timesInSecond = this.#all.add(atMs);
    const admitted = this.#admitted.countAt(atMs) < this.#limit;
    if (admitted) this.#admitted.add(atMs);
    return { admitted, timesInSecond };
  }
}
