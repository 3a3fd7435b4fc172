import type { RateRequest } from "../cam/index.ts";
import { GatewayError } from "../contract/index.ts";
import { FairQueue } from "../fair-queue.ts";

/** Returns the refusal of a call whose slot comes too late, with the wait until that slot. */
export function exhausted(waitMs: number): GatewayError {
  return new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: Math.max(1, Math.ceil(waitMs)) });
}

/** The size limit of one queue: more calls than the longest deadline can serve. */
export const MOST_WAITING = 1_000;

/** The part of a waiting call that decides its place. */
type Placed = Pick<RateRequest, "caller" | "priority">;

/** A bounded queue of waiting calls: people before bulk work, and within each the callers take turns. */
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

  /** Returns how many waiting calls would be served before this call. */
  ahead({ caller, priority }: Placed): number {
    if (priority === "interactive") return this.#interactive.ahead(caller);
    return this.#interactive.size + this.#bulk.ahead(caller);
  }

  lengthOf(place: Placed): number {
    return this.#queueOf(place).lengthOf(place.caller);
  }

  /**
   * Makes room for a call. If the queue is full, it evicts the last call of the caller with the longest queue, bulk
   * work first. Returns the evicted call, or false if this caller's own queue is the longest.
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

  /** Returns the next call that can use its turn. A caller whose calls cannot use it keeps the turn. */
  shift(canUse?: (waiter: Waiter) => boolean): Waiter | undefined {
    return this.#interactive.shift(canUse) ?? this.#bulk.shift(canUse);
  }

  /** Returns false if the call is not in the queue. */
  remove(waiter: Waiter): boolean {
    return this.#queueOf(waiter).remove(waiter.caller, waiter);
  }

  /** Yields the waiting calls in the order in which they would be served. */
  *[Symbol.iterator](): Generator<Waiter> {
    yield* this.#interactive;
    yield* this.#bulk;
  }

  #queueOf({ priority }: Placed): FairQueue<Waiter> {
    return priority === "interactive" ? this.#interactive : this.#bulk;
  }
}
