/**
 * Owns the quota: all replicas together stay under CAM's limit of calls per second, which CAM counts for each action
 * and key. It does not decide whether to retry a call; `cam/` does. Read `slot-queue.ts` next, where slots are taken.
 */

import type { Quota, Slot, SlotRequest } from "../cam/index.ts";
import { type Clock, ClockBounds } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { explainStoreError, isUnavailable } from "../database/store-errors.ts";
import { OutageQuota, outageRateOf } from "./outage-quota.ts";
import type { QuotaObserver } from "./quota-observer.ts";
import { Schedule } from "./schedule.ts";
import { SlotQueue } from "./slot-queue.ts";
import { SlotStore, UNTHROTTLED_WINDOW_MS, type WindowKey, type WindowOutlook } from "./slot-store.ts";
import { StoreHealth } from "./store-health.ts";

/** The use of the limit of one action of CAM. */
export interface ActionQuota {
  readonly action: string;
  /** The calls per second that CAM takes. */
  readonly ratePerSecond: number;
  /** The time in which the gateway makes at most that many calls: a second and a guard, and more after a throttle. */
  readonly windowMs: number;
  /** The calls of all replicas in the window that ends now. */
  readonly used: number;
  /** The calls that wait for a slot in this replica. */
  readonly queued: number;
  /** Milliseconds until the next free slot; 0 if a slot is free now. */
  readonly nextSlotInMs: number;
  /** True while the window is still longer because CAM throttled a call. */
  readonly throttledRecently: boolean;
  /** False if the database cannot be read now. Then the figures are those of this replica during an outage. */
  readonly shared: boolean;
}

interface SharedQuotaDeps {
  readonly windows: SharedWindows;
  /** The calls of one action and key that may arrive at CAM in any second, from all replicas together. */
  readonly ratePerSecond: number;
}

/** The quota of one account. Each action and key has a window in the database and a queue in this process. */
export class SharedQuota implements Quota {
  readonly #windows: SharedWindows;
  readonly #ratePerSecond: number;
  /** The key of the latest call. Keys change rarely, and then for all actions. */
  #secretId: string | undefined;

  constructor({ windows, ratePerSecond }: SharedQuotaDeps) {
    this.#windows = windows;
    this.#ratePerSecond = ratePerSecond;
  }

  take(request: SlotRequest): Promise<Slot> {
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
   * replicas. If the database cannot be read now, it covers only the calls of this replica during an outage.
   */
  async usage(): Promise<readonly ActionQuota[]> {
    const secretId = this.#secretId;
    if (secretId === undefined) return [];
    const windows = this.#windows.isShared
      ? await this.#windows.read(secretId, this.#ratePerSecond)
      : undefined;
    if (windows !== undefined)
      return [...windows].map(([action, outlook]) => this.#sharedFigures(secretId, action, outlook));
    const ratePerSecond = outageRateOf(this.#ratePerSecond);
    const outageQuota = this.#windows.outageQuotaOf(this.#ratePerSecond);
    return this.#windows.actionsOf(secretId).map((action) => ({
      ...{ action, ratePerSecond, windowMs: UNTHROTTLED_WINDOW_MS, throttledRecently: false, shared: false },
      ...(outageQuota?.usage({ secretId, action }) ?? { used: 0, queued: 0, nextSlotInMs: 0 }),
    }));
  }

  #sharedFigures(secretId: string, action: string, outlook: WindowOutlook): ActionQuota {
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
}

interface SharedWindowsDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** The name of this process. No two running replicas may have the same name. */
  readonly replica: string;
  readonly observer?: QuotaObserver;
}

/** The id of no real key, so no call uses its window. */
const CHECK_WINDOW: WindowKey = { secretId: "", action: "check" };

/**
 * The windows that all replicas share in the database, one for each key and action, and this process's queue for each.
 * CAM counts by the key, so accounts that use one key share its windows. If they also have the same rate, they share
 * the queue, and their callers take turns.
 */
export class SharedWindows {
  readonly #deps: SharedWindowsDeps;
  readonly #store: SlotStore;
  readonly #health: StoreHealth;
  readonly #databaseClock = new ClockBounds();
  readonly #queues = new Map<string, SlotQueue>();
  /** The quotas of the present outage, by rate. */
  readonly #outageQuotas = new Map<number, OutageQuota>();

  constructor(deps: SharedWindowsDeps) {
    const { observer, clock } = deps;
    this.#deps = deps;
    this.#store = new SlotStore(deps);
    this.#health = new StoreHealth({
      clock,
      probe: (key) => this.#store.probe(key),
      onUnavailable: (cause) => {
        observer?.onStoreUnavailable?.(cause, explainStoreError(cause));
        this.#outageQuotas.clear();
        for (const queue of this.#queues.values()) queue.beginOutage();
      },
      onRecovered: (outageMs) => observer?.onStoreRecovered?.(outageMs),
    });
  }

  /** True if the figures cover all replicas now. */
  get isShared(): boolean {
    return this.#health.outage === undefined;
  }

  queueOf(key: WindowKey, ratePerSecond: number): SlotQueue {
    const name = nameOf(key, ratePerSecond);
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new SlotQueue({
        ...this.#deps,
        ...{ key, ratePerSecond },
        databaseClock: this.#databaseClock,
        store: this.#store,
        health: this.#health,
        outageQuota: () => this.outageQuotaOf(ratePerSecond),
        observer: this.#deps.observer,
      });
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Returns how many calls of this replica wait for a slot. */
  queuedFor(key: WindowKey, ratePerSecond: number): number {
    return this.#queues.get(nameOf(key, ratePerSecond))?.queued ?? 0;
  }

  /** Returns the actions that this replica has called with the key. */
  actionsOf(secretId: string): readonly string[] {
    const keys = [...this.#queues.values()].map(({ key }) => key);
    return [...new Set(keys.filter((key) => key.secretId === secretId).map(({ action }) => action))];
  }

  /** Returns this replica's own quota in the present outage. Undefined while the database gives slots. */
  outageQuotaOf(ratePerSecond: number): OutageQuota | undefined {
    const { outage } = this.#health;
    if (outage === undefined) return undefined;
    let quota = this.#outageQuotas.get(ratePerSecond);
    if (quota === undefined) {
      const { clock } = this.#deps;
      quota = new OutageQuota({ ...outage, clock, ratePerSecond: outageRateOf(ratePerSecond) });
      this.#outageQuotas.set(ratePerSecond, quota);
    }
    return quota;
  }

  /** Returns the windows of a key by action, or undefined if they cannot be read now. */
  async read(
    secretId: string,
    ratePerSecond: number,
  ): Promise<ReadonlyMap<string, WindowOutlook> | undefined> {
    try {
      return await this.#store.read(secretId, ratePerSecond, this.#deps.replica);
    } catch (error) {
      // A failed read does not begin an outage, because reads have separate connections.
      if (isUnavailable(error)) return undefined;
      throw error;
    }
  }

  /**
   * Checks that the database can give slots, by writing a row. A failure begins an outage, like a failed call.
   * @throws GatewayError STORE_UNAVAILABLE, and errors that do not come from the store.
   */
  check(): Promise<void> {
    return this.#health.run(CHECK_WINDOW, () => this.#store.probe(CHECK_WINDOW));
  }

  /** Stops probing an unavailable database. Waiting calls keep waiting. */
  close(): void {
    this.#health.close();
  }
}

function nameOf({ secretId, action }: WindowKey, ratePerSecond: number): string {
  return `${secretId}/${action}/${ratePerSecond}`;
}
