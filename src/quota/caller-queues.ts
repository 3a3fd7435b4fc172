import type { RateRequest } from "../cam/index.ts";
import { GatewayError } from "../contract/index.ts";
import { FairQueue } from "../fair-queue.ts";

/** The refusal of a call whose slot comes too late, with the wait until that slot. */
export function exhausted(waitMs: number): GatewayError {
  return new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: Math.max(1, Math.ceil(waitMs)) });
}

/** In one queue: more than the longest deadline can serve, and little memory. */
export const MOST_WAITING = 1_000;

/** What a waiting call needs to have its place. */
type Placed = Pick<RateRequest, "caller" | "priority">;

/** Who waits for a slot: people before bulk work, and in each class the callers by turns. Bounded. */
export class CallerQueues<Waiter extends Placed> {
  readonly #most: number;
  readonly #interactive = new FairQueue<Waiter>();
  readonly #bulk = new FairQueue<Waiter>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#interactive.size + this.#bulk.size;
  }

  /** How many would be served before such a one, if nobody else came. */
  ahead({ caller, priority }: Placed): number {
    if (priority === "interactive") return this.#interactive.ahead(caller);
    return this.#interactive.size + this.#bulk.ahead(caller);
  }

  lengthOf(place: Placed): number {
    return this.#queueOf(place).lengthOf(place.caller);
  }

  /**
   * Makes room for one more of these, which costs whoever has more waiting than he the last of them, bulk work first.
   * @returns false where there is no room; otherwise who had to go for it, if anybody had to.
   */
  makeRoom(place: Placed): { readonly dropped: Waiter | undefined } | false {
    if (this.size < this.#most) return { dropped: undefined };
    const isInteractive = place.priority === "interactive";
    const fair = this.lengthOf(place) + 1;
    const dropped =
      this.#bulk.dropBeyond(isInteractive ? 0 : fair) ??
      (isInteractive ? this.#interactive.dropBeyond(fair) : undefined);
    return dropped === undefined ? false : { dropped };
  }

  push(waiter: Waiter): void {
    this.#queueOf(waiter).push(waiter.caller, waiter);
  }

  pushFront(waiter: Waiter): void {
    this.#queueOf(waiter).pushFront(waiter.caller, waiter);
  }

  /** The next of those who can use their turn; who cannot keeps it. */
  shift(canUse?: (waiter: Waiter) => boolean): Waiter | undefined {
    return this.#interactive.shift(canUse) ?? this.#bulk.shift(canUse);
  }

  /** @returns false where it is not there (any more). */
  remove(waiter: Waiter): boolean {
    return this.#queueOf(waiter).remove(waiter.caller, waiter);
  }

  /** In the order in which they would be served. */
  *[Symbol.iterator](): Generator<Waiter> {
    yield* this.#interactive;
    yield* this.#bulk;
  }

  #queueOf({ priority }: Placed): FairQueue<Waiter> {
    return priority === "interactive" ? this.#interactive : this.#bulk;
  }
}
