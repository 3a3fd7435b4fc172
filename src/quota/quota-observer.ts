import type { WindowKey } from "./slot-store.ts";

/** Receives the events of the shared quota. Its functions must not throw. */
export interface QuotaObserver {
  /** The database answered a statement. */
  onSlotAnswer?(answer: SlotAnswer): void;
  /** A call was too late for its slot. The gateway wrote nothing, and gives the slot back. */
  onSlotMissed?(missed: WindowKey & { readonly lateMs: number }): void;
  /** CAM throttled a call, and every replica backs off. */
  onThrottled?(throttled: WindowKey): void;
  /**
   * The database gives no slots, although it may answer. From now on reads continue slowly, and writes are refused.
   * `reason` contains the cause and the remedy.
   */
  onStoreUnavailable?(cause: unknown, reason: string): void;
  onStoreRecovered?(outageMs: number): void;
}

interface SlotAnswer {
  readonly action: string;
  readonly bulk: boolean;
  readonly granted: boolean;
  /** Milliseconds from the answer to the slot, granted or not. */
  readonly aheadMs: number;
  readonly windowMs: number;
  /** Milliseconds from the request to the answer, including the wait for a connection and repetitions. */
  readonly tookMs: number;
}
