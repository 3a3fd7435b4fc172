/** The longest round trip that shows when the call arrived. Waiting for slower replies would cost throughput. */
export const MAX_DELIVERY_MS = 1_000;

/** The period of a minimum. The estimate follows a slower network path after one to two periods. */
const PERIOD_MS = 30_000;

/** The longest delay that a busy event loop or a cold network path may add to every call. */
const MIN_SPAN_MS = 2_000;

/** The round trips of one period. */
interface RoundTrips {
  readonly sinceMs: number;
  readonly count: number;
  readonly sumMs: number;
  readonly shortestMs: number;
}

const NONE: RoundTrips = {
  sinceMs: Number.NEGATIVE_INFINITY,
  count: 0,
  sumMs: 0,
  shortestMs: Number.POSITIVE_INFINITY,
};

/**
 * Estimates the shortest possible round trip. A reply at time `t` shows that its call arrived before `t`. The gateway
 * counts the call as arrived by `t` minus the shortest round trip. That may be too early by the shortest way to CAM.
 * All calls have that delay in common, so it cancels out between two calls. An estimate that is too long lets the next
 * call follow too soon by the difference.
 */
export class RoundTripEstimate {
  readonly #minCount: number;
  #current = NONE;
  #previous = NONE;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param enough The number of round trips before there is an estimate. */
  constructor(enough: number) {
    this.#minCount = enough;
  }

  /** @param atMs The time of the reply. */
  record(roundTripMs: number, atMs: number): void {
    if (atMs - this.#current.sinceMs >= PERIOD_MS) {
      this.#previous = this.#current;
      this.#current = { ...NONE, sinceMs: atMs };
    }
    const { sinceMs, count, sumMs, shortestMs } = this.#current;
    this.#current = {
      sinceMs,
      count: count + 1,
      sumMs: sumMs + roundTripMs,
      shortestMs: Math.min(shortestMs, roundTripMs),
    };
    this.#firstMs = Math.min(this.#firstMs, atMs);
    this.#lastMs = atMs;
  }

  /** The estimate. It is 0 until there are enough round trips, from more than one moment. */
  get shortestMs(): number {
    const count = this.#current.count + this.#previous.count;
    if (count < this.#minCount || this.#lastMs - this.#firstMs <= MIN_SPAN_MS) return 0;
    const shortestMs = Math.min(this.#current.shortestMs, this.#previous.shortestMs);
    // The shortest of a few round trips is longer than the shortest possible one, by a part of their spread.
    const spreadMs = (this.#current.sumMs + this.#previous.sumMs) / count - shortestMs;
    return Math.max(0, shortestMs - spreadMs / Math.sqrt(count));
  }
}
