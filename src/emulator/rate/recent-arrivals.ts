import { WINDOW_MS } from "./rate-window.ts";

/** The arrivals of the last 1,000 ms. Two that are exactly 1,000 ms apart do not share a second. */
export class RecentArrivals {
  #times: number[] = [];

  countAt(atMs: number): number {
    const firstInside = this.#times.findIndex((time) => time > atMs - WINDOW_MS);
    if (firstInside !== 0) this.#times = firstInside < 0 ? [] : this.#times.slice(firstInside);
    return this.#times.length;
  }

  add(atMs: number): number {
    this.#times.push(atMs);
    return this.countAt(atMs);
  }
}
