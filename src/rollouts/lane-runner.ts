import type { Clock } from "../clock.ts";
import type { CamErrorCode } from "../contract/index.ts";

/** The lane of a rollout in one account. */
export interface LaneKey {
  readonly rolloutId: string;
  readonly account: string;
}

/** The work of a lane: the items that it claims in the database, and the function for each item. */
export interface LaneWork<Item> {
  /**
   * Renews the lease of the lane and claims up to `limit` items. OVER: the lane has no work, or another process has its
   * lease.
   */
  claim(limit: number): Promise<{ readonly verdict: "ON" | "OVER"; readonly items: readonly Item[] }>;
  /** Processes one item. Returns an error code if the fault affects every item of the account. */
  run(item: Item): Promise<CamErrorCode | undefined>;
  /** Releases an item for another attempt after a delay. */
  release(item: Item, afterMs: number): Promise<void>;
  /** Records the reason why the lane waits. Undefined: the lane continues. */
  pause(code: CamErrorCode | undefined, pauseMs: number): Promise<void>;
  /** Releases the lease. */
  end(): Promise<void>;
}

export interface LaneObserver {
  /** The lane waits because of a fault that concerns every user of the account. */
  onLanePaused(lane: LaneKey, code: CamErrorCode): void;
  /** The database is unavailable, or a statement failed. The lane tries again. */
  onLaneError(lane: LaneKey, error: unknown): void;
}

interface LaneRunnerDeps<Item> {
  readonly lane: LaneKey;
  readonly work: LaneWork<Item>;
  readonly clock: Clock;
  readonly observer: LaneObserver;
}

/**
 * The most items in progress: enough to use every slot of the quota, and few enough that each ends before its deadline.
 */
const MAX_CONCURRENCY = 40;
/** The number of items in progress of a new lane. */
const INITIAL_CONCURRENCY = 20;
/** The least number of items in progress, after several faults. */
const MIN_CONCURRENCY = 5;
/**
 * The lane claims items only when this many places are free, or half of its concurrency if that is less: each claim
 * counts the budget of the whole rollout.
 */
const MIN_CLAIM = 8;
/**
 * The interval of a lane's checks while it may begin no item. So a lane continues within a second of the end of a
 * pause, unless the pause was longer than MAX_IDLE_MS.
 */
const POLL_MS = 400;
/** The time for which a lane keeps its job while it may begin no item. After that, RolloutRunner wakes it. */
const MAX_IDLE_MS = 900_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 20_000;

/** Runs one rollout in one account, several items in parallel. */
export class LaneRunner<Item> {
  readonly #deps: LaneRunnerDeps<Item>;
  readonly #running = new Set<Promise<void>>();
  /** The number of pauses since the last successful item. */
  #pauseCount = 0;
  #pausedUntilMs = 0;
  /** The limit of items in progress. A fault halves it, and each successful item raises it. */
  #concurrency = INITIAL_CONCURRENCY;
  #stopped = false;
  #onEnded: () => void = () => undefined;

  constructor(deps: LaneRunnerDeps<Item>) {
    this.#deps = deps;
  }

  /** Begins no more items. */
  stop(): void {
    this.#stopped = true;
  }

  /** Runs until the lane has no item left, or could begin none for a long time. */
  async run(): Promise<void> {
    const { clock, work } = this.#deps;
    let idleSinceMs = clock.monotonic();
    while (!this.#stopped && clock.monotonic() - idleSinceMs < MAX_IDLE_MS) {
      const claim = await this.#tryOrReport(() => work.claim(this.#claimLimit));
      for (const item of claim?.items ?? []) this.#begin(item);
      if (this.#running.size > 0) idleSinceMs = clock.monotonic();
      if (claim?.verdict === "OVER" && this.#running.size === 0) break;
      await this.#waitForWork();
    }
    await Promise.all(this.#running);
    await this.#tryOrReport(() => work.end());
  }

  /** The number of items that may begin now. A claim of none only renews the lease. */
  get #claimLimit(): number {
    if (this.#deps.clock.monotonic() < this.#pausedUntilMs) return 0;
    return this.#placesUntilClaim > 0 ? 0 : this.#freePlaces;
  }

  get #freePlaces(): number {
    return Math.floor(this.#concurrency) - this.#running.size;
  }

  /** The items that must end before another claim is worth its cost. */
  get #placesUntilClaim(): number {
    return Math.min(MIN_CLAIM, Math.floor(this.#concurrency / 2)) - this.#freePlaces;
  }

  /** Waits for a short time, or until enough items have ended to make another claim worth its cost. */
  async #waitForWork(): Promise<void> {
    const resting = new AbortController();
    let left = Math.max(1, this.#placesUntilClaim);
    this.#onEnded = () => {
      left -= 1;
      if (left < 1) resting.abort();
    };
    await this.#deps.clock.sleep(POLL_MS, resting.signal).catch(() => undefined);
  }

  #begin(item: Item): void {
    const running = this.#run(item).finally(() => {
      this.#running.delete(running);
      this.#onEnded();
    });
    this.#running.add(running);
  }

  async #run(item: Item): Promise<void> {
    const { work } = this.#deps;
    const result = await this.#tryOrReport(async () => ({ fault: await work.run(item) }));
    if (result === undefined) return;
    if (result.fault !== undefined) return this.#pause(item, result.fault);
    this.#concurrency = Math.min(MAX_CONCURRENCY, this.#concurrency + 1 / this.#concurrency);
    if (this.#pauseCount === 0) return;
    this.#pauseCount = 0;
    await this.#tryOrReport(() => work.pause(undefined, 0));
  }

  /** Pauses the lane. Each pause is longer than the last, until an item succeeds. */
  async #pause(item: Item, code: CamErrorCode): Promise<void> {
    const { clock, lane, work, observer } = this.#deps;
    const nowMs = clock.monotonic();
    if (nowMs >= this.#pausedUntilMs) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#pauseCount++, MAX_PAUSE_MS);
      this.#pausedUntilMs = nowMs + pauseMs;
      this.#concurrency = Math.max(MIN_CONCURRENCY, this.#concurrency / 2);
      observer.onLanePaused(lane, code);
      await this.#tryOrReport(() => work.pause(code, pauseMs));
    }
    await this.#tryOrReport(() => work.release(item, this.#pausedUntilMs - nowMs));
  }

  /** Returns undefined after an error. Another attempt or process does the rest. */
  async #tryOrReport<Result>(task: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await task();
    } catch (error) {
      this.#deps.observer.onLaneError(this.#deps.lane, error);
      return undefined;
    }
  }
}
