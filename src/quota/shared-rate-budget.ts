/**
 * Owns the governor: all replicas together stay under CAM's limit of calls per second, which CAM counts for each action
 * and key. It does not decide whether to retry a call; `cam/` does. Read `shared-queue.ts` next, where slots are taken.
 */

import type { RateBudget, RateRequest, RateSlot } from "../cam/index.ts";
import { Schedule } from "./schedule.ts";
import { localLimitOf, type SharedWindows } from "./shared-windows.ts";
import { GUARD_MS, type WindowOutlook } from "./slot-store.ts";

/** What one action of CAM has used of its limit. */
export interface ActionQuota {
  readonly action: string;
  /** The calls per second that CAM takes. */
  readonly ratePerSecond: number;
  /** The time in which the gateway makes that many calls: a second and a guard, and more after a throttle. */
  readonly windowMs: number;
  /** The calls of all replicas in the window that ends now. */
  readonly used: number;
  /** The calls that wait for a slot in this replica. */
  readonly queued: number;
  /** Milliseconds until the next free slot; 0 if a slot is free now. */
  readonly nextSlotInMs: number;
  /** True while the window is still longer because CAM throttled a call. */
  readonly throttledRecently: boolean;
  /** False while the database is unavailable: the figures are those of this replica alone, and it refuses writes. */
  readonly shared: boolean;
}

interface SharedRateBudgetDeps {
  readonly windows: SharedWindows;
  /** The calls of one action and key that may arrive at CAM in any second, from all replicas together. */
  readonly ratePerSecond: number;
}

/** The quota of one account. Each action and key has a window in the database and a queue in this process. */
export class SharedRateBudget implements RateBudget {
  readonly #windows: SharedWindows;
  readonly #ratePerSecond: number;
  /** The key of the latest call. Keys change rarely, and then for all actions. */
  #secretId: string | undefined;

  constructor({ windows, ratePerSecond }: SharedRateBudgetDeps) {
    this.#windows = windows;
    this.#ratePerSecond = ratePerSecond;
  }

  take(request: RateRequest): Promise<RateSlot> {
    const { secretId, action } = request;
    this.#secretId = secretId;
    return this.#windows.queueOf({ secretId, action }, this.#ratePerSecond).take(request);
  }

  /** The calls of this replica that wait for a slot, of all actions. */
  get queued(): number {
    const secretId = this.#secretId;
    if (secretId === undefined) return 0;
    const queued = this.#windows
      .actionsOf(secretId)
      .map((action) => this.#windows.queuedFor({ secretId, action }, this.#ratePerSecond));
    return queued.reduce((sum, calls) => sum + calls, 0);
  }

  /**
   * Returns the use of the limit by action, for the key that this replica used last. It covers the calls of all
   * replicas. While the database is unavailable, it covers the calls of this replica alone.
   */
  async quotas(): Promise<readonly ActionQuota[]> {
    const secretId = this.#secretId;
    if (secretId === undefined) return [];
    const windows = this.#windows.isShared
      ? await this.#windows.read(secretId, this.#ratePerSecond)
      : undefined;
    if (windows !== undefined)
      return [...windows].map(([action, outlook]) => this.#shared(secretId, action, outlook));
    return this.#windows.actionsOf(secretId).map((action) => this.#alone(secretId, action));
  }

  #shared(secretId: string, action: string, outlook: WindowOutlook): ActionQuota {
    const ratePerSecond = this.#ratePerSecond;
    const { windowMs, used, nowMs, backoff } = outlook;
    return {
      ...{ action, ratePerSecond, windowMs, used },
      queued: this.#windows.queuedFor({ secretId, action }, ratePerSecond),
      nextSlotInMs: Math.max(0, new Schedule(outlook, ratePerSecond).freeMs(0) - nowMs),
      throttledRecently: backoff > 0,
      shared: true,
    };
  }

  #alone(secretId: string, action: string): ActionQuota {
    return {
      action,
      ratePerSecond: localLimitOf(this.#ratePerSecond),
      windowMs: 1_000 + GUARD_MS,
      ...this.#windows.localOf(this.#ratePerSecond).look({ secretId, action }),
      throttledRecently: false,
      shared: false,
    };
  }
}
