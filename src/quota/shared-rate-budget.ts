import type { RateBudget, RateRequest, RateSlot } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import type { ActionQuota } from "./action-quota.ts";
import { DatabaseClock } from "./database-clock.ts";
import { LocalRateBudget } from "./local-rate-budget.ts";
import type { QuotaObserver } from "./quota-observer.ts";
import { Schedule } from "./schedule.ts";
import { SharedQueue } from "./shared-queue.ts";
import { GUARD_MS, SlotStore, type WindowOutlook } from "./slot-store.ts";
import { StoreHealth } from "./store-health.ts";

export interface SharedRateBudgetDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Calls of one action and key that may arrive at CAM in any second, from all replicas together. */
  readonly callsPerSecond: number;
  /** Names this process among the replicas; no two may have the same name at a time. */
  readonly replica: string;
  readonly observer?: QuotaObserver;
}

/** Of the limit, what a replica uses for reads while the database is away. Ten replicas then still keep it together. */
const SHARE_WITHOUT_STORE = 0.1;

/**
 * Keeps all replicas together under CAM's limit, by windows that they share in the database. CAM counts for each
 * action and calling key, so each pair has a window, and a queue before it in this process.
 */
export class SharedRateBudget implements RateBudget {
  readonly #deps: SharedRateBudgetDeps;
  readonly #store: SlotStore;
  readonly #health: StoreHealth;
  #local: LocalRateBudget;
  readonly #localLimit: number;
  readonly #databaseClock = new DatabaseClock();
  readonly #queues = new Map<string, SharedQueue>();
  /** Of the latest call: keys change rarely, and then for all actions. */
  #secretId: string | undefined;

  constructor(deps: SharedRateBudgetDeps) {
    const { callsPerSecond, observer, clock } = deps;
    this.#deps = deps;
    this.#store = new SlotStore(deps);
    this.#localLimit = Math.max(1, Math.floor(callsPerSecond * SHARE_WITHOUT_STORE));
    this.#local = this.#startUnshared();
    this.#health = new StoreHealth({
      clock,
      ping: () => this.#store.ping(),
      onAway: (cause) => {
        observer?.onStoreAway?.(cause);
        this.#local = this.#startUnshared();
        for (const queue of this.#queues.values()) queue.leaveStore();
      },
      onBack: (awayMs) => observer?.onStoreBack?.(awayMs),
    });
  }

  take(request: RateRequest): Promise<RateSlot> {
    this.#secretId = request.secretId;
    return this.#queueOf(request.secretId, request.action).take(request);
  }

  /**
   * How each action stands to its limit: of all replicas, for every action that any of them has called lately with
   * the key that this one used last. While the database is away, of this replica alone.
   */
  async quotas(): Promise<readonly ActionQuota[]> {
    const secretId = this.#secretId;
    if (secretId === undefined) return [];
    if (this.#health.away === undefined) {
      const windows = await this.#readWindows(secretId);
      if (windows !== undefined)
        return [...windows].map(([action, outlook]) => this.#shared(secretId, action, outlook));
    }
    return [...this.#queues.values()]
      .filter(({ key }) => key.secretId === secretId)
      .map(({ key: { action } }) => this.#alone(secretId, action));
  }

  /** Stops looking for a database that is away. Calls that wait keep waiting. */
  close(): void {
    this.#health.close();
  }

  /** Calls that the database let go before it went may have filled the windows. */
  #startUnshared(): LocalRateBudget {
    const { clock } = this.#deps;
    return new LocalRateBudget({ clock, callsPerSecond: this.#localLimit, fullAtMs: clock.monotonic() });
  }

  #queueOf(secretId: string, action: string): SharedQueue {
    const name = `${secretId}/${action}`;
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new SharedQueue({
        ...this.#deps,
        key: { secretId, action },
        databaseClock: this.#databaseClock,
        store: this.#store,
        health: this.#health,
        local: () => this.#local,
        observer: this.#deps.observer,
      });
      this.#queues.set(name, queue);
    }
    return queue;
  }

  async #readWindows(secretId: string): Promise<ReadonlyMap<string, WindowOutlook> | undefined> {
    const { callsPerSecond, replica } = this.#deps;
    const reading = this.#health.run(() => this.#store.read(secretId, callsPerSecond, replica));
    return reading.catch((error: unknown) => {
      if (error instanceof GatewayError) return undefined;
      throw error;
    });
  }

  #shared(secretId: string, action: string, outlook: WindowOutlook): ActionQuota {
    const { callsPerSecond } = this.#deps;
    const { windowMs, used, nowMs, widened } = outlook;
    return {
      action,
      limit: callsPerSecond,
      windowMs,
      used,
      queued: this.#queues.get(`${secretId}/${action}`)?.queued ?? 0,
      nextSlotInMs: Math.max(0, new Schedule(outlook, callsPerSecond).freeMs(0) - nowMs),
      throttledRecently: widened > 0,
      shared: true,
    };
  }

  #alone(secretId: string, action: string): ActionQuota {
    return {
      action,
      limit: this.#localLimit,
      windowMs: 1_000 + GUARD_MS,
      ...this.#local.look({ secretId, action }),
      throttledRecently: false,
      shared: false,
    };
  }
}
