/**
 * Runs rollouts. Each account of a rollout has a lane, and one process at a time has the lane's lease. The job queue
 * wakes lanes, and the database decides what they do: claim_rollout_items in schema/migrations/0016_rollout_runs.sql.
 * Read run-lane.ts next.
 */

import type { RequestSeal } from "../audit/request-seal.ts";
import type { RolloutLog } from "../audit/rollout-log.ts";
import type { ChangeAccount } from "../changes/change-access.ts";
import type { ChangeService } from "../changes/change-service.ts";
import type { Reconciler } from "../changes/reconciler.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { concurrencyFor, type JobKind, type JobQueue } from "../jobs/job-queue.ts";
import { Poller } from "../poller.ts";
import type { ReadBackStore } from "./read-back-store.ts";
import { ReadBackUsers, sealRuns } from "./read-back-users.ts";
import type { RolloutStore } from "./rollout-store.ts";
import { RunItems } from "./run-items.ts";
import { type LaneName, type LaneObserver, type LaneWork, RunLane } from "./run-lane.ts";
import type { OpenCount, RolloutAdvance, RunStore } from "./run-store.ts";
import { findRunning, type RunningRollout, stopForged } from "./running-rollout.ts";

interface LaneAccount extends Pick<ChangeAccount, "name" | "writer"> {
  readonly reconciler: Pick<Reconciler, "settle">;
}

interface RunLanesDeps {
  readonly database: Database;
  /** Undefined without a signing key: starts have no MAC. */
  readonly seal: RequestSeal | undefined;
  readonly store: RunStore;
  readonly readBacks: ReadBackStore;
  readonly rollouts: RolloutStore;
  readonly accounts: { readonly all: readonly LaneAccount[] };
  readonly changes: Pick<ChangeService, "changeItem" | "repeatItem">;
  readonly rolloutLog: Pick<RolloutLog, "claimOpen">;
  readonly send: JobQueue["send"];
  readonly clock: Clock;
  /** The time for one item, and for one read after the run. */
  readonly deadlineMs: number;
  /** The time after a change in which CAM may still show the state before it. */
  readonly consistencyMs: number;
  readonly observer: RunObserver;
}

export interface RunObserver extends LaneObserver {
  /** A rollout ended, or began its next wave, without an order of a person. */
  onAdvanced(advance: RolloutAdvance): void;
  /** The bulk guard paused the caller who started the rollout, or the one who approved it. */
  onCallerPaused(rolloutId: string): void;
  /** A rollout was stopped, because its start has no valid MAC. */
  onForged(rolloutId: string): void;
  /** Every user was read once more, and the result is in the gateway's chain. */
  onSealed(rolloutId: string): void;
  /** Called after each look, about every five seconds. */
  onCounted(counts: readonly OpenCount[]): void;
  /** Items ended because their account was removed. */
  onAccountsLost(items: number): void;
  /** The check of the lanes failed, for example because the database is unavailable. */
  onError(error: unknown): void;
}

const LANE = "rollout-lane";
/**
 * The interval at which a process looks for lanes without a lease. With the lease's ten seconds, another replica
 * continues a lane within 20 seconds.
 */
const WATCH_MS = 5_000;

/** The lanes of this process. */
export class RunLanes {
  readonly #deps: RunLanesDeps;
  /** By the key of the job. If a job runs twice, the lane runs once. */
  readonly #lanes = new Map<string, { stop(): void }>();
  readonly #watch: Poller;
  #stopped = false;

  constructor(deps: RunLanesDeps) {
    this.#deps = deps;
    this.#watch = new Poller(deps.clock, async () => {
      await this.look();
      return WATCH_MS;
    });
  }

  /** The kind of jobs that keeps a lane. */
  get jobs(): readonly JobKind[] {
    const concurrency = concurrencyFor(this.#deps.accounts.all.length);
    return [{ name: LANE, concurrency, run: (key) => this.#keep(key) }];
  }

  start(): void {
    this.#watch.start();
  }

  /** Begins no more items. Other processes continue the lanes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const lane of this.#lanes.values()) lane.stop();
    await this.#watch.stop();
  }

  /**
   * Advances rollouts (ends, next waves) and wakes the lanes that have work. Also called after each order of a person.
   */
  async look(): Promise<void> {
    const { store, readBacks, rollouts, accounts, send, consistencyMs, observer } = this.#deps;
    try {
      for (const advance of await store.advance()) observer.onAdvanced(advance);
      const lost = await store.blockLostAccounts();
      if (lost > 0) observer.onAccountsLost(lost);
      const names = accounts.all.map(({ name }) => name);
      for (const lane of await store.dueLanes(names, consistencyMs)) await send(LANE, keyOf(lane));
      await store.freeUsers();
      for (const id of await sealRuns(readBacks, rollouts)) observer.onSealed(id);
      observer.onCounted(await store.countOpen());
    } catch (error) {
      observer.onError(error);
    }
  }

  /** Runs a lane until it has no work for now. */
  async #keep(key: string): Promise<void> {
    const { accounts, database, observer, seal } = this.#deps;
    const lane = laneOf(key);
    const account = accounts.all.find(({ name }) => name === lane.account);
    if (account === undefined || this.#stopped || this.#lanes.has(key)) return;
    try {
      const rollout = await findRunning(database, seal, lane.rolloutId);
      if (rollout === undefined) return;
      if (rollout === "FORGED") {
        await stopForged(database, lane.rolloutId);
        return observer.onForged(lane.rolloutId);
      }
      await (rollout.isOver ? this.#readBack(lane, account) : this.#change(lane, account, rollout));
      // The last lane of a wave begins the next one.
      await this.look();
    } catch (error) {
      observer.onError(error);
    }
  }

  #change(lane: LaneName, { reconciler }: LaneAccount, rollout: RunningRollout): Promise<void> {
    const { store, changes, rolloutLog, clock, deadlineMs, observer } = this.#deps;
    const work = new RunItems({
      ...{ rollout, lane, changes, rolloutLog, reconciler, store, clock, deadlineMs },
      onCallerPaused: () => observer.onCallerPaused(rollout.id),
      onUnexpected: (error) => observer.onLaneError(lane, error),
    });
    return this.#run(lane, work);
  }

  #readBack(lane: LaneName, account: LaneAccount): Promise<void> {
    const { store: runs, readBacks: store, clock, deadlineMs } = this.#deps;
    return this.#run(lane, new ReadBackUsers({ lane, account, store, runs, clock, deadlineMs }));
  }

  async #run<Item>(lane: LaneName, work: LaneWork<Item>): Promise<void> {
    const { clock, observer } = this.#deps;
    const running = new RunLane({ lane, work, clock, observer });
    this.#lanes.set(keyOf(lane), running);
    await running.run().finally(() => this.#lanes.delete(keyOf(lane)));
  }
}

function keyOf({ rolloutId, account }: LaneName): string {
  return `${rolloutId} ${account}`;
}

function laneOf(key: string): LaneName {
  // Names of accounts have no spaces.
  const [rolloutId = "", account = ""] = key.split(" ");
  return { rolloutId, account };
}
