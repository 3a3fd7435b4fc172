/** The order to a replica, and its outcome. Shared by the benchmark and its programs. */

export interface OfferQuestion {
  readonly kind: "offer";
  readonly forMs: number;
  readonly deadlineMs: number;
  readonly callers: readonly OfferedBy[];
  /** If true, the event loop is blocked at times. */
  readonly stalls: boolean;
  /** If true, calls that wait at the end are made too. Otherwise they are dropped. */
  readonly drains: boolean;
}

export interface OfferedBy {
  readonly name: string;
  readonly callsPerSecond: number;
  readonly priority: "interactive" | "bulk";
  /** The number of additional calls at one moment in the middle of the time. */
  readonly burst?: number;
}

export interface OfferOutcome {
  readonly succeeded: number;
  /** The time from the call to the refusal, for each call that the quota refused. */
  readonly refusedAfterMs: readonly number[];
  /** The time that was left until the deadline, for each call that ended with CAM's throttle as its error. */
  readonly heardThrottlesMs: readonly number[];
  /** All other errors. */
  readonly errors: readonly string[];
  /** The waits for slots of the interactive calls that succeeded. */
  readonly interactiveWaitsMs: readonly number[];
  /** The number of database statements of the quota. */
  readonly statements: number;
  /** Slots that were over before a call could use them. */
  readonly missedSlots: number;
}
