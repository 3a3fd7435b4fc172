/** How many round trips are remembered: a few seconds of them at CAM's rate. */
const REMEMBERED = 64;

/**
 * The shortest round trip lately. A reply that came at `t` shows that its call arrived before `t`; the shortest
 * round trip says how much before, at least, up to a way there that is the same for every call and so cancels
 * out between two of them. Nothing is assumed before the first reply.
 */
export class DeliveryDelay {
  readonly #roundTripsMs: number[] = [];

  record(roundTripMs: number): void {
    this.#roundTripsMs.push(roundTripMs);
    if (this.#roundTripsMs.length > REMEMBERED) this.#roundTripsMs.shift();
  }

  get shortestMs(): number {
    return this.#roundTripsMs.length === 0 ? 0 : Math.min(...this.#roundTripsMs);
  }
}
