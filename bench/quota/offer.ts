/** What a replica is asked to do, and what became of it. Shared by the benchmark and its programs. */

export interface OfferQuestion {
  readonly kind: "offer";
  readonly forMs: number;
  readonly deadlineMs: number;
  readonly callers: readonly OfferedBy[];
  /** The event loop is blocked now and then. */
  readonly stalls: boolean;
}

export interface OfferedBy {
  readonly name: string;
  readonly callsPerSecond: number;
  readonly priority: "interactive" | "bulk";
  /** So many more at once in the middle of the time. */
  readonly burst?: number;
}

export interface OfferOutcome {
  readonly succeeded: number;
  /** Refused by the quota: how long after the call each refusal came. */
  readonly refusedAfterMs: readonly number[];
  /** Callers that CAM's throttle reached as an error. */
  readonly heardThrottles: number;
  /** Everything else that went wrong. */
  readonly errors: readonly string[];
  /** Of the interactive calls that succeeded: their waits for slots. */
  readonly interactiveWaitsMs: readonly number[];
  /** Statements of the quota. */
  readonly statements: number;
  /** Slots that were over before they could be used. */
  readonly missedSlots: number;
}
