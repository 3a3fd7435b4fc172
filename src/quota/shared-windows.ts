import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { explainStoreError, isUnavailable } from "../database/store-errors.ts";
import { DatabaseClock } from "./database-clock.ts";
import { LocalRateBudget } from "./local-rate-budget.ts";
import { SharedQueue } from "./shared-queue.ts";
import type { QuotaObserver } from "./slot-asker.ts";
import { SlotStore, type WindowKey, type WindowOutlook } from "./slot-store.ts";
import { StoreHealth } from "./store-health.ts";

interface SharedWindowsDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Names this process among the replicas. No two running replicas may have the same name. */
  readonly replica: string;
  readonly observer?: QuotaObserver;
}

/** The part of the limit that a replica uses for reads during an outage. Ten replicas still keep the limit together. */
const SHARE_WITHOUT_STORE = 0.1;

/** No key has this id, so no call uses the window. */
const CHECKED_WINDOW: WindowKey = { secretId: "", action: "check" };

/**
 * The windows that all replicas share in the database, one for each key and action, and this process's queue for each.
 * CAM counts by the key, so accounts that use one key share its windows. If they also have the same rate, they share
 * the queue, and their callers take turns.
 */
export class SharedWindows {
  readonly #deps: SharedWindowsDeps;
  readonly #store: SlotStore;
  readonly #health: StoreHealth;
  readonly #databaseClock = new DatabaseClock();
  readonly #queues = new Map<string, SharedQueue>();
  /** The budgets for reads in the present outage, by rate. */
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

  /** True if the figures cover all replicas now. */
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

  /** Returns how many calls of this replica wait for a slot. */
  queuedFor(key: WindowKey, ratePerSecond: number): number {
    return this.#queues.get(nameOf(key, ratePerSecond))?.queued ?? 0;
  }

  /** Returns the actions that this replica has called with the key. */
  actionsOf(secretId: string): readonly string[] {
    const keys = [...this.#queues.values()].map(({ key }) => key);
    return [...new Set(keys.filter((key) => key.secretId === secretId).map(({ action }) => action))];
  }

  /** Returns this replica's own budget for reads during an outage. */
  localOf(ratePerSecond: number): LocalRateBudget {
    let local = this.#locals.get(ratePerSecond);
    if (local === undefined) {
      const { clock } = this.#deps;
      // Calls with slots from before the outage may have filled the windows.
      const fullAtMs = this.#outageFromMs;
      local = new LocalRateBudget({ clock, ratePerSecond: localLimitOf(ratePerSecond), fullAtMs });
      this.#locals.set(ratePerSecond, local);
    }
    return local;
  }

  /** Returns the windows of a key by action, or undefined if they cannot be read now. */
  async read(
    secretId: string,
    ratePerSecond: number,
  ): Promise<ReadonlyMap<string, WindowOutlook> | undefined> {
    try {
      return await this.#store.read(secretId, ratePerSecond, this.#deps.replica);
    } catch (error) {
      // A failed read is not an outage: reads have connections of their own.
      if (isUnavailable(error)) return undefined;
      throw error;
    }
  }

  /**
   * Checks that the database can give slots, which writes a row. A failure begins an outage, as one of a call does.
   * @throws GatewayError STORE_UNAVAILABLE, and errors that do not come from the store.
   */
  check(): Promise<void> {
    return this.#health.run(CHECKED_WINDOW, () => this.#store.probe(CHECKED_WINDOW));
  }

  /** Stops probing an unavailable database. Waiting calls keep waiting. */
  close(): void {
    this.#health.close();
  }
}

/** Returns the rate of one replica during an outage. */
export function localLimitOf(ratePerSecond: number): number {
  return Math.max(1, Math.floor(ratePerSecond * SHARE_WITHOUT_STORE));
}

function nameOf({ secretId, action }: WindowKey, ratePerSecond: number): string {
  return `${secretId}/${action}/${ratePerSecond}`;
}
