import type { RateBudget, RateRequest, RateSlot } from "../cam/index.ts";
import { Schedule } from "./schedule.ts";
import { localLimitOf, type SharedWindows } from "./shared-windows.ts";
import { GUARD_MS, type WindowOutlook } from "./slot-store.ts";

/** How one action of CAM stands to its limit. */
export interface ActionQuota {
  readonly action: string;
  /** Calls a second that CAM takes. */
  readonly ratePerSecond: number;
  /** In which that many calls are made: a second and a guard, and more after a throttle. */
  readonly windowMs: number;
  /** Calls of all replicas in the window that ends now. */
  readonly used: number;
  /** Calls that wait for a slot in this replica. */
  readonly queued: number;
  /** When the next free slot comes; 0 where one is free. */
  readonly nextSlotInMs: number;
  /** CAM throttled a call lately, and the window is still wider for it. */
  readonly throttledRecently: boolean;
  /** False while the database is away: then the figures are of this replica alone, and writes are refused. */
  readonly shared: boolean;
}

interface SharedRateBudgetDeps {
  readonly windows: SharedWindows;
  /** Calls of one action and key that may arrive at CAM in any second, from all replicas together. */
  readonly ratePerSecond: number;
}

/**
 * One account's part in the windows that replicas share: keeps all of them together under CAM's limit. CAM counts for
 * each action and calling key, so each pair has a window, and a queue before it in this process.
 */
export class SharedRateBudget implements RateBudget {
  readonly #windows: SharedWindows;
  readonly #ratePerSecond: number;
  /** Of the latest call: keys change rarely, and then for all actions. */
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

  /**
   * How each action stands to its limit: of all replicas, for every action that any of them has called lately with
   * the key that this one used last. While the database is away, of this replica alone.
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
