/**
 * The shortest round trip lately. A reply that came at `t` shows that its call arrived before `t`; the shortest
 * round trip says how much before, at least, up to a way there that is the same for every call and so cancels
 * out between two of them.
 *
 * It says so only when it is typical. In a first burst every call may be held up at once, by a busy event loop
 * or a cold path; taking that for the way would let the next burst follow too soon. So nothing is assumed until
 * the round trips remembered are more than one such moment can spoil.
 */
export class DeliveryDelay {
  readonly #enough: number;
  readonly #roundTripsMs: number[] = [];
  #shortestMs = Number.POSITIVE_INFINITY;

  /** @param enough How many round trips are remembered, and needed before any is believed. */
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
