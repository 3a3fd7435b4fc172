/**
 * The shortest recent round trip. A reply at time `t` shows that its call arrived before `t`. The shortest round trip
 * shows by how much at least, up to a delay that all calls have in common and that cancels out between two calls.
 *
 * It is used only once it is typical. A busy event loop or a cold path may delay every call of a first burst, and the
 * next burst would follow too soon. So `shortestMs` is 0 until there are more round trips than one such moment can
 * affect.
 */
export class DeliveryDelay {
  readonly #enough: number;
  readonly #roundTripsMs: number[] = [];
  #shortestMs = Number.POSITIVE_INFINITY;

  /** @param enough The round trips to remember, and to have before the shortest is used. */
  constructor(enough: number) {
    this.#enough = enough;
  }

  record(roundTripMs: number): void {
    this.#roundTripsMs.push(roundTripMs);
    this.#shortestMs = Math.min(this.#shortestMs, roundTripMs);
    if (this.#roundTripsMs.length <= this.#enough) return;
    const forgotten = this.#roundTripsMs.shift();
    if (forgotten === this.#shortestMs) this.#shortestMs = Math.min(...this.#roundTripsMs);
  }

  get shortestMs(): number {
    return this.#roundTripsMs.length < this.#enough ? 0 : this.#shortestMs;
  }
}
