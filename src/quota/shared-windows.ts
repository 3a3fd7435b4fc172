import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { explainStoreError, isUnavailable } from "../database/store-errors.ts";
import { DatabaseClock } from "./database-clock.ts";
import { LocalRateBudget } from "./local-rate-budget.ts";
import type { QuotaObserver } from "./quota-observer.ts";
import { SharedQueue } from "./shared-queue.ts";
import { SlotStore, type WindowKey, type WindowOutlook } from "./slot-store.ts";
import { StoreHealth } from "./store-health.ts";

interface SharedWindowsDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Names this process among the replicas; no two may have the same name at a time. */
  readonly replica: string;
  readonly observer?: QuotaObserver;
}

/** Of the limit, what a replica uses for reads while the database is away. Ten replicas then still keep it together. */
const SHARE_WITHOUT_STORE = 0.1;

/**
 * The windows that all replicas share in the database, one for each calling key and action, with this process's queues
 * before them. Accounts whose calls are made with one key share its windows, for CAM counts by the key; and where they
 * have one rate, also the queue, so that their callers take turns.
 */
export class SharedWindows {
  readonly #deps: SharedWindowsDeps;
  readonly #store: SlotStore;
  readonly #health: StoreHealth;
  readonly #databaseClock = new DatabaseClock();
  readonly #queues = new Map<string, SharedQueue>();
  /** By rate: what reads have in the present outage of the database. */
  readonly #locals = new Map<number, LocalRateBudget>();
  #outageFromMs: number;

  constructor(deps: SharedWindowsDeps) {
    const { observer, clock } = deps;
    this.#deps = deps;
    this.#store = new SlotStore(deps);
    this.#outageFromMs = clock.monotonic();
    this.#health = new StoreHealth({
      clock,
      probe: (key) => this.#store.probe(key),
      onUnavailable: (cause) => {
        observer?.onStoreUnavailable?.(cause, explainStoreError(cause));
        this.#outageFromMs = clock.monotonic();
        this.#locals.clear();
        for (const queue of this.#queues.values()) queue.dispatchWithoutStore();
      },
      onRecovered: (outageMs) => observer?.onStoreRecovered?.(outageMs),
    });
  }

  /** Whether the figures are those of all replicas now. */
  get isShared(): boolean {
    return this.#health.outage === undefined;
  }

  queueOf(key: WindowKey, ratePerSecond: number): SharedQueue {
    const name = nameOf(key, ratePerSecond);
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new SharedQueue({
        ...this.#deps,
        ...{ key, ratePerSecond },
        databaseClock: this.#databaseClock,
        store: this.#store,
        health: this.#health,
        local: () => this.localOf(ratePerSecond),
        observer: this.#deps.observer,
      });
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Calls of this replica that wait for a slot. */
  queuedFor(key: WindowKey, ratePerSecond: number): number {
    return this.#queues.get(nameOf(key, ratePerSecond))?.queued ?? 0;
  }

  /** The actions that this replica has called with the key. */
  actionsOf(secretId: string): readonly string[] {
    const keys = [...this.#queues.values()].map(({ key }) => key);
    return [...new Set(keys.filter((key) => key.secretId === secretId).map(({ action }) => action))];
  }

  /** A replica's own slow rate for reads while the database is away. */
  localOf(ratePerSecond: number): LocalRateBudget {
    let local = this.#locals.get(ratePerSecond);
    if (local === undefined) {
      const { clock } = this.#deps;
      // Calls that the database let go before it went may have filled the windows.
      const fullAtMs = this.#outageFromMs;
      local = new LocalRateBudget({ clock, ratePerSecond: localLimitOf(ratePerSecond), fullAtMs });
      this.#locals.set(ratePerSecond, local);
    }
    return local;
  }

  /** The windows of a key by action, of all replicas; undefined where they cannot be read now. */
  async read(
    secretId: string,
    ratePerSecond: number,
  ): Promise<ReadonlyMap<string, WindowOutlook> | undefined> {
    try {
      return await this.#store.read(secretId, ratePerSecond, this.#deps.replica);
    } catch (error) {
      // A query that finds no connection for reads says nothing about slots.
      if (isUnavailable(error)) return undefined;
      throw error;
    }
  }

  /** Stops looking for a database that is away. Calls that wait keep waiting. */
  close(): void {
    this.#health.close();
  }
}

/** Of a rate, what one replica has for itself while the database is away. */
export function localLimitOf(ratePerSecond: number): number {
  return Math.max(1, Math.floor(ratePerSecond * SHARE_WITHOUT_STORE));
}

function nameOf({ secretId, action }: WindowKey, ratePerSecond: number): string {
  return `${secretId}/${action}/${ratePerSecond}`;
}
