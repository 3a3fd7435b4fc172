import pLimit from "p-limit";
import { Failure, failureOf } from "../changes/failure.ts";
import type { JobKind } from "../jobs/job-queue.ts";
import { Poller } from "../poller.ts";
import { type MakePlanDeps, makePlan } from "./make-plan.ts";
import { PLAN_LEASE_MS, type PlanFault, type PlanningRollout } from "./plan-store.ts";

interface RolloutPlannerDeps extends MakePlanDeps {
  readonly observer: PlanObserver;
}

export interface PlanObserver {
  onPlanned(rolloutId: string, durationMs: number): void;
  onPlanFailed(rolloutId: string, fault: PlanFault, error: unknown): void;
  /** A step failed, for example because the database is unavailable. It is tried again within a minute. */
  onError(error: unknown): void;
}

/** The most plans that one process makes at the same time. */
const MAX_CONCURRENCY = 2;

/** The limit of attempts, because a plan might crash its process each time. */
const MAX_ATTEMPTS = 3;
const INTERRUPTED = `${MAX_ATTEMPTS} attempts to make this plan were interrupted, for example because replicas ended. Plan again.`;

/**
 * Makes plans in the background. A plan begins immediately in the replica that received the request. A job runs every
 * minute: it takes over plans whose replica died, and expires plans that were not started in time.
 */
export class RolloutPlanner {
  readonly #deps: RolloutPlannerDeps;
  readonly #limit = pLimit(MAX_CONCURRENCY);
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(deps: RolloutPlannerDeps) {
    this.#deps = deps;
  }

  /** The job that takes over and expires plans every minute. */
  get job(): JobKind {
    const run = () => this.#takeOver();
    return { name: "rollout-plans", concurrency: 1, cron: "* * * * *", onStarted: run, run };
  }

  async #takeOver(): Promise<void> {
    const { store, observer } = this.#deps;
    try {
      await store.expire();
      for (const id of await store.abandoned()) this.plan(id);
    } catch (error) {
      observer.onError(error);
    }
  }

  /** Makes the plan of a rollout in the background, unless another replica is making it. */
  plan(id: string): void {
    const running = this.#limit(() => this.#plan(id))
      .catch((error: unknown) => this.#deps.observer.onError(error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Stops plans in progress. Another replica makes them. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #plan(id: string): Promise<void> {
    const { store, clock, observer } = this.#deps;
    if (this.#stopping.signal.aborted) return;
    const rollout = await store.lease(id);
    if (rollout === undefined) return;
    const startedMs = clock.monotonic();
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, this.#stopping.signal]);
    const heartbeat = new Poller(clock, async () => {
      const isHeld = await store.renew(rollout).catch(() => true);
      if (!isHeld) lost.abort();
      return PLAN_LEASE_MS / 5;
    });
    heartbeat.start(PLAN_LEASE_MS / 5);
    try {
      if (rollout.attempts > MAX_ATTEMPTS) throw new Failure({ code: "INTERNAL", message: INTERRUPTED });
      const isKept = await store.finish(rollout, await makePlan(this.#deps, rollout, signal));
      if (isKept) observer.onPlanned(id, clock.monotonic() - startedMs);
    } catch (error) {
      if (this.#stopping.signal.aborted) await store.release(rollout);
      else if (!lost.signal.aborted) await this.#fail(rollout, error);
    } finally {
      await heartbeat.stop();
    }
  }

  /** @throws the error of the plan, if another attempt may succeed. */
  async #fail(rollout: PlanningRollout, error: unknown): Promise<void> {
    const { store, observer } = this.#deps;
    const { code = "INTERNAL", cam, message } = failureOf(error) ?? {};
    if (code === "STORE_UNAVAILABLE") throw error;
    const fault = { code, camCode: cam?.code, hint: message };
    if (await store.fail(rollout, fault)) observer.onPlanFailed(rollout.id, fault, error);
  }
}
