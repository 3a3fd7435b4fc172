/**
 * The right to make one call. CAM counts calls when they arrive, so the holder reports with `sent` and `settle` when that
 * was. A slot that is never settled takes up a place until the budget gives it up.
 */
export interface RateSlot {
  /** The time that the caller waited for it. */
  readonly waitedMs: number;
  /**
   * Reports that the bytes are about to be written. The call cannot arrive earlier.
   * @returns false where the slot has expired: the holder must write nothing, settle it, and take another slot.
   */
  sent(): boolean;
  /** Reports the end of the call. Only the first report counts. */
  settle(outcome: SlotOutcome): void;
}

export type SlotOutcome =
  /** A reply came: the call arrived before now. */
  | "ANSWERED"
  /** CAM said that the limit was exceeded. */
  | "THROTTLED"
  /** Sent, and no reply came. */
  | "LOST"
  /** Never sent: another call may use the place. */
  | "UNUSED";

/** CAM's limit of calls per second, for each action and calling key. */
export interface RateBudget {
  /**
   * Resolves when the call may be made. For one action and key, interactive calls go before bulk calls, and callers take
   * turns.
   *
   * @throws GatewayError QUOTA_EXHAUSTED without a wait, with the true wait as `retryAfterMs`, where no slot comes free before
   *   `deadlineMs` (monotonic milliseconds).
   * @throws GatewayError STORE_UNAVAILABLE for a write, where the budget is shared and its store is unavailable.
   */
  take(request: RateRequest): Promise<RateSlot>;
}

/** A person waits for an interactive call. Bulk work, such as a rollout, takes the remaining slots. */
export type CallPriority = "interactive" | "bulk";

export interface RateRequest {
  readonly action: string;
  /** CAM counts calls by this: the id of the key, or the role of temporary keys. */
  readonly secretId: string;
  /** While the store of a shared budget is unavailable, reads continue slowly and writes are refused. */
  readonly access: "read" | "write";
  /** Callers take turns, however many calls each makes. */
  readonly caller: string;
  readonly priority: CallPriority;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Resolves when a connection is open, so that the call can be written immediately. It never rejects. A budget whose slots
   * are short grants none earlier, but may refuse earlier.
   */
  readonly ready?: Promise<unknown>;
  /** The call had a slot, which it missed or for which CAM throttled it. It takes the next slot of its priority. */
  readonly requeued?: boolean;
}

const FREE_SLOT: RateSlot = { waitedMs: 0, sent: () => true, settle: () => undefined };

/** A budget without limits for STS, which accepts 600 calls a second and gets about one an hour. */
export const unlimitedBudget: RateBudget = { take: () => Promise.resolve(FREE_SLOT) };
