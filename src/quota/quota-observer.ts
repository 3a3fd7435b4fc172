import type { WindowKey } from "./slot-store.ts";

/** Told of what the shared quota meets. None may throw. */
export interface QuotaObserver {
  /** The database was asked for a slot. */
  onAsked?(asked: SlotAsked): void;
  /** A call came to writing so late that its slot was given up for another. */
  onSlotMissed?(missed: WindowKey & { readonly lateMs: number }): void;
  /** CAM throttled a call, and the window was widened for every replica. */
  onThrottled?(throttled: WindowKey): void;
  /**
   * The database cannot do what a slot needs, whether or not it answers: from now on reads go on slowly and writes are
   * refused. `reason` says why, and how to mend it.
   */
  onStoreUnavailable?(cause: unknown, reason: string): void;
  onStoreRecovered?(outageMs: number): void;
}

export interface SlotAsked {
  readonly action: string;
  readonly bulk: boolean;
  readonly granted: boolean;
  /** How far ahead the slot lay when the database gave it, or said when it would. */
  readonly aheadMs: number;
  readonly windowMs: number;
  /** From asking to the answer, a connection of the pool included. */
  readonly tookMs: number;
}
