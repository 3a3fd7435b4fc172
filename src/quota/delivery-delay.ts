/** A network path that became longer counts as such after one to two of these periods. */
const PERIOD_MS = 30_000;

/** The longest time for which a busy event loop or a cold path may delay every call. */
const LONGEST_MOMENT_MS = 2_000;

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
 * Estimates the shortest possible round trip. A reply at time `t` shows that its call arrived before `t`. The shortest
 * round trip shows by how much at least, up to a delay that all calls have in common and that cancels out between two
 * calls. An estimate that is too long would let the next call follow too soon, by the difference.
 */
export class DeliveryDelay {
  readonly #enough: number;
  #now = NONE;
  #before = NONE;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param enough The round trips to have before there is an estimate. */
  constructor(enough: number) {
    this.#enough = enough;
  }

  /** @param atMs The time of the reply. */
  record(roundTripMs: number, atMs: number): void {
    if (atMs - this.#now.sinceMs >= PERIOD_MS) {
      this.#before = this.#now;
      this.#now = { ...NONE, sinceMs: atMs };
    }
    const { sinceMs, count, sumMs, shortestMs } = this.#now;
    this.#now = {
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
    const count = this.#now.count + this.#before.count;
    if (count < this.#enough || this.#lastMs - this.#firstMs <= LONGEST_MOMENT_MS) return 0;
    const shortestMs = Math.min(this.#now.shortestMs, this.#before.shortestMs);
    // The shortest of a few round trips is longer than the shortest possible one, by a part of their spread.
    const spreadMs = (this.#now.sumMs + this.#before.sumMs) / count - shortestMs;
    return Math.max(0, shortestMs - spreadMs / Math.sqrt(count));
  }
}
