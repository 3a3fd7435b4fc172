/**
 * The right to make one call. CAM counts calls when they arrive, so a budget has to learn when that was: tell
 * it with `sent` and `settle`. A slot that is never settled blocks a place until the budget gives it up.
 */
export interface RateSlot {
  /** How long the caller waited for it. */
  readonly waitedMs: number;
  /** The bytes are being written now; the call cannot arrive earlier. */
  sent(): void;
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
   * Resolves when the call may be made. Slots of one action and key are given first come, first served.
   *
   * @throws GatewayError QUOTA_EXHAUSTED at once, with the true wait as `retryAfterMs`, where no slot comes
   *   free before `deadlineMs` (monotonic milliseconds).
   */
  take(request: RateRequest): Promise<RateSlot>;
}

export interface RateRequest {
  readonly action: string;
  readonly secretId: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}
