/**
 * The right to make one call. CAM counts calls on arrival, so the holder reports the limits of the arrival time with
 * `tryBegin` and `settle`. A slot that is never settled takes up a place until the quota releases it.
 */
export interface Slot {
  /** The time that the call waited for the slot. */
  readonly waitedMs: number;
  /**
   * Begins the call. The holder calls this directly before it writes the call, which cannot arrive earlier.
   * @returns false if the slot has expired. Then the holder must write nothing, settle the slot and take another one.
   */
  tryBegin(): boolean;
  /** Reports the end of the call. Only the first report counts. */
  settle(outcome: SlotOutcome): void;
}

export type SlotOutcome =
  /** CAM replied, so the call arrived before now. */
  | "ANSWERED"
  /** CAM replied that the call exceeded the limit. */
  | "THROTTLED"
  /** The holder sent the call, and no reply came. */
  | "LOST"
  /** The holder never sent the call. Another call may use the place. */
  | "UNUSED";

/** CAM's limit of calls per second, for each action and calling key. */
export interface Quota {
  /**
   * Resolves when the call may be made. For one action and key, interactive calls go before bulk calls, and callers
   * take turns. Rejects with the reason of `signal` when it aborts.
   *
   * @throws GatewayError QUOTA_EXHAUSTED if no slot comes free before `deadlineMs` (monotonic milliseconds), or if the
   *   queue is full. The quota refuses the call as soon as it can estimate that, at the latest at `deadlineMs`.
   *   `retryAfterMs` is the estimated wait for a slot.
   * @throws GatewayError STORE_UNAVAILABLE for a write, if the quota is shared and its store is unavailable.
   */
  take(request: SlotRequest): Promise<Slot>;
}

/** A person waits for an interactive call. Bulk work, such as a rollout, takes the remaining slots. */
export type CallPriority = "interactive" | "bulk";

export interface SlotRequest {
  readonly action: string;
  /** The owner of the limit: the id of the key, or the role of temporary keys. */
  readonly secretId: string;
  /** While the store of a shared quota is unavailable, reads continue slowly and writes are refused. */
  readonly access: "read" | "write";
  /** Callers take turns, regardless of how many calls each makes. */
  readonly caller: string;
  readonly priority: CallPriority;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Resolves when a connection is open, so that the holder can write the call immediately. Never rejects. The shared
   * quota grants no slot before that, because a slot expires soon after it is due. It may refuse the call before that.
   */
  readonly ready?: Promise<unknown>;
  /** Whether the call missed a slot, or CAM throttled it in its slot. Then it takes the next slot of its priority. */
  readonly requeued?: boolean;
}

const FREE_SLOT: Slot = { waitedMs: 0, tryBegin: () => true, settle: () => undefined };

/**
 * A quota without limits, for STS, and for doctor if the database is down. STS accepts 600 calls a second, and the
 * gateway makes about one an hour.
 */
export const unlimitedQuota: Quota = { take: () => Promise.resolve(FREE_SLOT) };
