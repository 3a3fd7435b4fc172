/**
 * Runs rollouts. Each account of a rollout has a lane, and one process at a time has the lane's lease. The job queue
 * wakes lanes, and the database decides what they do: claim_rollout_items in schema/functions.sql.
 * Read lane-runner.ts next.
 */

import type { RequestMacs } from "../audit/request-macs.ts";
import type { RolloutChangeStore } from "../audit/rollout-change-store.ts";
import type { ChangeAccount } from "../changes/change-access.ts";
import type { ChangeService } from "../changes/change-service.ts";
import type { Reconciler } from "../changes/reconciler.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { concurrencyFor, type JobKind, type JobQueue } from "../jobs/job-queue.ts";
import { Poller } from "../poller.ts";
import { ChangeWork } from "./change-work.ts";
import { type LaneKey, type LaneObserver, LaneRunner, type LaneWork } from "./lane-runner.ts";
import type { ReadBackStore } from "./read-back-store.ts";
import { ReadBackWork, sealRuns } from "./read-back-work.ts";
import type { RolloutStore } from "./rollout-store.ts";
import type { OpenCount, RolloutAdvance, RunStore } from "./run-store.ts";
import { findRunningRollout, type RunningRollout, stopForgedRollout } from "./running-rollout.ts";

interface LaneAccount extends Pick<ChangeAccount, "name" | "mfaFlags"> {
  readonly reconciler: Pick<Reconciler, "settle">;
}

interface RolloutRunnerDeps {
  readonly database: Database;
  /** Undefined without a signing key: starts have no MAC. */
  readonly requestMacs: RequestMacs | undefined;
  readonly runStore: RunStore;
  readonly readBackStore: ReadBackStore;
  readonly rolloutStore: RolloutStore;
  readonly accounts: { readonly all: readonly LaneAccount[] };
  readonly changes: Pick<ChangeService, "changeItem" | "repeatItem">;
  readonly rolloutChangeStore: Pick<RolloutChangeStore, "claimOpen">;
  readonly send: JobQueue["send"];
  readonly clock: Clock;
  /** The time for one item, and for one read after the run. */
  readonly timeLimitMs: number;
  /** The time after a change in which CAM may still show the state before it. */
  readonly staleReadMs: number;
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
  /** Called after each check of the rollouts: every five seconds, and after each lane and each order. */
  onCounted(counts: readonly OpenCount[]): void;
  /** Items ended because their account was removed. */
  onAccountsLost(items: number): void;
  /** The check of the lanes failed, for example because the database is unavailable. */
  onError(error: unknown): void;
}

const LANE_JOB = "rollout-lane";
/**
 * The interval at which a process looks for lanes without a lease. With the lease's ten seconds, another replica
 * continues a lane within 20 seconds.
 */
const POLL_MS = 5_000;

/** The lanes of this process. */
export class RolloutRunner {
  readonly #deps: RolloutRunnerDeps;
  /** By the key of the job. If a job runs twice, the lane runs once. */
  readonly #lanes = new Map<string, { stop(): void }>();
  readonly #poller: Poller;
  #stopped = false;

  constructor(deps: RolloutRunnerDeps) {
    this.#deps = deps;
    this.#poller = new Poller(deps.clock, async () => {
      await this.advance();
      return POLL_MS;
    });
  }

  /** The kind of jobs that runs a lane. */
  get jobs(): readonly JobKind[] {
    const concurrency = concurrencyFor(this.#deps.accounts.all.length);
    return [{ name: LANE_JOB, concurrency, run: (key) => this.#runLane(key) }];
  }

  start(): void {
    this.#poller.start();
  }

  /** Begins no more items. Other processes continue the lanes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const lane of this.#lanes.values()) lane.stop();
    await this.#poller.stop();
  }

  /**
   * Advances rollouts (ends, next waves) and wakes the lanes that have work. Also called after each order of a person.
   */
  async advance(): Promise<void> {
    const { runStore, readBackStore, rolloutStore, accounts, send, staleReadMs, observer } = this.#deps;
    try {
      for (const advance of await runStore.advance()) observer.onAdvanced(advance);
      const lost = await runStore.blockLostAccounts();
      if (lost > 0) observer.onAccountsLost(lost);
      const names = accounts.all.map(({ name }) => name);
      for (const lane of await runStore.dueLanes(names, staleReadMs)) await send(LANE_JOB, keyOf(lane));
      await runStore.releaseUsers();
      for (const id of await sealRuns(readBackStore, rolloutStore)) observer.onSealed(id);
      observer.onCounted(await runStore.countOpen());
    } catch (error) {
      observer.onError(error);
    }
  }

  /** Runs a lane until it has no work for now. */
  async #runLane(key: string): Promise<void> {
    const { accounts, database, observer, requestMacs } = this.#deps;
    const lane = laneOf(key);
    const account = accounts.all.find(({ name }) => name === lane.account);
    if (account === undefined || this.#stopped || this.#lanes.has(key)) return;
    try {
      const rollout = await findRunningRollout(database, requestMacs, lane.rolloutId);
      if (rollout === undefined) return;
      if (rollout === "FORGED") {
        await stopForgedRollout(database, lane.rolloutId);
        return observer.onForged(lane.rolloutId);
      }
      await (rollout.isOver ? this.#readBack(lane, account) : this.#change(lane, account, rollout));
      // The last lane of a wave begins the next one.
      await this.advance();
    } catch (error) {
      observer.onError(error);
    }
  }

  #change(lane: LaneKey, { reconciler }: LaneAccount, rollout: RunningRollout): Promise<void> {
    const { runStore, changes, rolloutChangeStore, clock, timeLimitMs, observer } = this.#deps;
    const work = new ChangeWork({
      ...{ rollout, lane, changes, rolloutChangeStore, reconciler, runStore, clock, timeLimitMs },
      onCallerPaused: () => observer.onCallerPaused(rollout.id),
      onUnexpected: (error) => observer.onLaneError(lane, error),
    });
    return this.#run(lane, work);
  }

  #readBack(lane: LaneKey, account: LaneAccount): Promise<void> {
    const { runStore, readBackStore, clock, timeLimitMs } = this.#deps;
    return this.#run(lane, new ReadBackWork({ lane, account, readBackStore, runStore, clock, timeLimitMs }));
  }

  async #run<Item>(lane: LaneKey, work: LaneWork<Item>): Promise<void> {
    const { clock, observer } = this.#deps;
    const running = new LaneRunner({ lane, work, clock, observer });
    this.#lanes.set(keyOf(lane), running);
    await running.run().finally(() => this.#lanes.delete(keyOf(lane)));
  }
}

function keyOf({ rolloutId, account }: LaneKey): string {
  return `${rolloutId} ${account}`;
}

function laneOf(key: string): LaneKey {
  // Names of accounts have no spaces.
  const [rolloutId = "", account = ""] = key.split(" ");
  return { rolloutId, account };
}
