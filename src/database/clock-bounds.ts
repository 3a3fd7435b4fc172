/** The fastest drift between two clocks that NTP controls. */
const DRIFT = 500e-6;

/**
 * Converts times of the database's clock to this process's clock. It never assumes that the two agree. Each statement
 * gives bounds: the database read its clock after this process sent the statement and before the answer came. The
 * bounds of all statements together are as narrow as those of the quickest one, so a slow statement does no harm.
 */
export class ClockBounds {
  /** Bounds of "the database's time minus this process's time" at `#atMs`. */
  #least = Number.NEGATIVE_INFINITY;
  #most = Number.POSITIVE_INFINITY;
  #atMs = 0;

  /** Narrows the bounds with a statement: its two times here, and the time that it read on the database's clock. */
  observe(databaseMs: number, sentMs: number, answeredMs: number): void {
    const driftMs = (answeredMs - this.#atMs) * DRIFT;
    const least = Math.max(this.#least - driftMs, databaseMs - answeredMs);
    const most = Math.min(this.#most + driftMs, databaseMs - sentMs);
    // Bounds that cross show that a clock was set, which makes all earlier bounds worthless.
    const wasSet = least > most;
    this.#least = wasSet ? databaseMs - answeredMs : least;
    this.#most = wasSet ? databaseMs - sentMs : most;
    this.#atMs = answeredMs;
  }

  /** Returns the time of this process's clock at which the database's clock has certainly reached `databaseMs`. */
  latest(databaseMs: number): number {
    return databaseMs - this.#least;
  }

  /** Returns the earliest time that the database's clock can have had at a time of this process's clock. */
  earliest(processMs: number): number {
    return processMs + this.#least - Math.abs(processMs - this.#atMs) * DRIFT;
  }

  /** The width of the bounds: the database's clock may be ahead of `latest` by this. */
  get uncertaintyMs(): number {
    return this.#most - this.#least;
  }
}
