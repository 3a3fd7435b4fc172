/**
 * The right to make one call. CAM counts calls when they arrive, so a budget has to learn when that was: tell
 * it with `sent` and `settle`. A slot that is never settled blocks a place until the budget gives it up.
 */
export interface RateSlot {
  /** How long the caller waited for it. */
  readonly waitedMs: number;
  /**
   * The bytes are about to be written; the call cannot arrive earlier.
   * @returns false where the slot's time is over: nothing may be written, and the caller settles and takes another.
   */
  sent(): boolean;
  /** The call is over. Only the first settle counts. */
  settle(outcome: SlotOutcome): void;
}

export type SlotOutcome =
  /** A reply came: the call arrived before now. */
  | "ANSWERED"
  /** CAM said that the limit was exceeded. */
  | "THROTTLED"
  /** Sent, and no reply came. */
  | "LOST"
  /** Never sent: the place is free for another. */
  | "UNUSED";

/** CAM's limit of calls per second, for each action and calling key. */
export interface RateBudget {
  /**
   * Resolves when the call may be made. Of one action and key, interactive calls go before bulk ones, and callers
   * take turns.
   *
   * @throws GatewayError QUOTA_EXHAUSTED at once, with the true wait as `retryAfterMs`, where no slot comes
   *   free before `deadlineMs` (monotonic milliseconds).
   * @throws GatewayError STORE_UNAVAILABLE for a write, where the budget is shared and its store is away.
   */
  take(request: RateRequest): Promise<RateSlot>;
}

/** Somebody waits for an interactive call; bulk work, such as a rollout, takes what is left. */
export type CallPriority = "interactive" | "bulk";

export interface RateRequest {
  readonly action: string;
  /** Whom CAM counts the call for: the key by its id, or the role that temporary keys act for. */
  readonly secretId: string;
  /** Without the store of a shared budget, reads go on slowly and writes do not. */
  readonly access: "read" | "write";
  /** Callers take turns, however much each asks for. */
  readonly caller: string;
  readonly priority: CallPriority;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Resolves when the call could be written at once, that is, when a connection is open. A budget whose slots are
   * for a moment gives none before, but refuses before. It never rejects.
   */
  readonly ready?: Promise<unknown>;
  /** The call had a slot, which it missed or for which CAM throttled it. It takes the next slot of its priority. */
  readonly requeued?: boolean;
}

const FREE_SLOT: RateSlot = { waitedMs: 0, sent: () => true, settle: () => undefined };

/** For calls that are too rare to need slots: STS takes 600 a second, and the gateway asks it once in an hour. */
export const unlimitedBudget: RateBudget = { take: () => Promise.resolve(FREE_SLOT) };
