import { type Clock, ClockBounds } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { readClock } from "./user-writes.ts";

/** The lifetime of a measurement. In that time, the two clocks drift apart by less than 0.1 s. */
const FRESH_MS = 60_000;

/** Converts times of this process's clock to the database's clock. The result is never later than the real time. */
export class DatabaseTime {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #bounds = new ClockBounds();
  #measuredMs = Number.NEGATIVE_INFINITY;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Returns a function that converts monotonic milliseconds to the database's epoch milliseconds.
   * @throws GatewayError STORE_UNAVAILABLE
   */
  async converter(): Promise<(monotonicMs: number) => number> {
    const sentMs = this.#clock.monotonic();
    if (sentMs - this.#measuredMs > FRESH_MS) {
      const databaseMs = await readClock(this.#database);
      this.#measuredMs = this.#clock.monotonic();
      this.#bounds.observe(databaseMs, sentMs, this.#measuredMs);
    }
    return (monotonicMs) => this.#bounds.earliest(monotonicMs);
  }
}
