/** Two clocks that NTP disciplines drift apart no faster than this. */
const DRIFT = 500e-6;

/**
 * When a moment by the database's clock is by ours. The two are never taken to be equal. Each statement shows a
 * little: the database read its clock after the statement was sent and before the answer came. What all of them
 * show together is as exact as the quickest of them, so one that waited for a lock or a slow reply blurs nothing.
 */
export class DatabaseClock {
  /** Bounds of "the database's time minus ours" at `#atMs`. */
  #least = Number.NEGATIVE_INFINITY;
  #most = Number.POSITIVE_INFINITY;
  #atMs = 0;

  /** A statement that was sent and answered at these times of ours found `databaseMs` on the database's clock. */
  observe(databaseMs: number, sentMs: number, answeredMs: number): void {
    const driftMs = (answeredMs - this.#atMs) * DRIFT;
    const least = Math.max(this.#least - driftMs, databaseMs - answeredMs);
    const most = Math.min(this.#most + driftMs, databaseMs - sentMs);
    // Bounds that cross say that one of the clocks was set; what was known before is then worth nothing.
    const wasSet = least > most;
    this.#least = wasSet ? databaseMs - answeredMs : least;
    this.#most = wasSet ? databaseMs - sentMs : most;
    this.#atMs = answeredMs;
  }

  /** Our time at which the database's certainly has come. */
  latest(databaseMs: number): number {
    return databaseMs - this.#least;
  }

  /** How much earlier than `latest` it may have come. */
  get uncertaintyMs(): number {
    return this.#most - this.#least;
  }
}
