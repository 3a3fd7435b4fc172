import { refusals } from "./cam-refusals.ts";

/** Counts the arrivals of one key and action. */
interface RateWindow {
  /** Admits or refuses an arrival. Arrivals must come in order. Refused arrivals do not use up the limit. */
  admit(atMs: number): RateDecision;
}

interface RateDecision {
  admitted: boolean;
  /** Arrivals in the last second, with refused ones: the number in the vendor's message. */
  timesInSecond: number;
}

const WINDOW_MS = 1000;

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

/** The strict reading of "20 a second": at most 20 admitted arrivals in any 1,000 ms. */
class SlidingWindow implements RateWindow {
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

/** The lenient reading: a counter that restarts at each full second of the monotonic clock. */
class FixedWindow implements RateWindow {
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

export type WindowKind = "sliding" | "fixed";

/** The vendor's limit of calls a second per key and action, counted at arrival. */
export class RateLimiter {
  readonly #limit: number;
  readonly #kind: WindowKind;
  readonly #windows = new Map<string, RateWindow>();

  constructor(limit: number, kind: WindowKind) {
    this.#limit = limit;
    this.#kind = kind;
  }

  /** Throws RequestLimitExceeded. */
  admit(secretId: string, action: string, atMs: number): void {
    const decision = this.#window(`${secretId} ${action}`).admit(atMs);
    if (!decision.admitted) throw refusals.throttled(decision.timesInSecond, this.#limit);
  }

  #window(name: string): RateWindow {
    const known = this.#windows.get(name);
    if (known) return known;
    const created = this.#kind === "sliding" ? new SlidingWindow(this.#limit) : new FixedWindow(this.#limit);
    this.#windows.set(name, created);
    return created;
  }
}
