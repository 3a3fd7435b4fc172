/**
 * Owns background jobs: schedules and hand-over between replicas, by pg-boss in the gateway's database. It does not
 * depend on other subsystems: gateway/ registers the kinds of jobs. A job may run twice, so each kind keeps its own
 * state in the database.
 */

import type { PgBoss } from "pg-boss";
import type { Clock } from "../clock.ts";
import type { JobStore } from "../database/database.ts";
import { Poller } from "../poller.ts";

/** One kind of background work. */
export interface JobKind {
  readonly name: string;
  /** The most jobs of this kind that one process runs at the same time. */
  readonly concurrency: number;
  /** The schedule by which the queue adds a job, as a cron expression in UTC. */
  readonly cron?: string;
  /** Called when the queue has started. */
  readonly onStarted?: () => Promise<void>;
  /** Runs one job. Must handle its own errors, because the queue does not retry jobs. */
  run(key: string): Promise<void>;
}

/** The highest concurrency. One process cannot serve more accounts in parallel. */
const MAX_CONCURRENCY = 50;
/** The lowest concurrency, because accounts may be added later. */
const MIN_CONCURRENCY = 8;

/** Returns the concurrency of a kind with one job an account. */
export function concurrencyFor(accounts: number): number {
  return Math.min(MAX_CONCURRENCY, Math.max(MIN_CONCURRENCY, accounts));
}

interface JobQueueDeps {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly observer: JobObserver;
}

interface JobObserver {
  /** Background jobs do not run. The queue tries again. */
  onUnavailable(error: unknown): void;
  /** Background jobs run. */
  onStarted(): void;
  /** A statement of the queue failed. The queue repeats it. */
  onError(error: unknown): void;
}

interface JobData {
  readonly key: string;
}

/** The time between two attempts to start. */
const START_RETRY_MS = 30_000;
/** The interval at which a process polls for jobs of one kind, for all its workers together. */
const POLL_SECONDS = 2;
/** The time after which the queue ends a job whose process died. */
const EXPIRE_SECONDS = 6 * 3_600;

/**
 * Runs background jobs. If the queue cannot start, for example because its tables are missing, the gateway still serves
 * requests, reports the fault and tries again.
 */
export class JobQueue {
  readonly #deps: JobQueueDeps;
  readonly #starter: Poller;
  #kinds: readonly JobKind[] = [];
  /** The idle workers of each kind, the longest idle first. */
  readonly #idle = new Map<string, Set<string>>();
  #boss: PgBoss | undefined;

  constructor(deps: JobQueueDeps) {
    this.#deps = deps;
    this.#starter = new Poller(deps.clock, () => this.#tryToStart());
  }

  start(kinds: readonly JobKind[]): void {
    this.#kinds = kinds;
    this.#starter.start();
  }

  /** Takes no more jobs, and waits for those in progress. */
  async stop(): Promise<void> {
    await this.#starter.stop();
    await this.#boss?.stop({ graceful: true, close: false });
    this.#boss = undefined;
  }

  /**
   * Adds a job, unless one of the same kind and key is already waiting, and wakes a worker of this process. Does
   * nothing while background jobs do not run.
   * @param afterSeconds The delay before it may run, in seconds.
   */
  async send(kind: string, key: string, afterSeconds = 0): Promise<void> {
    try {
      await this.#boss?.send(kind, { key }, { singletonKey: key, startAfter: afterSeconds });
      if (afterSeconds === 0) this.#wake(kind);
    } catch (error) {
      this.#deps.observer.onError(error);
    }
  }

  #wake(kind: string): void {
    const idle = this.#idle.get(kind);
    const [worker] = idle ?? [];
    if (worker === undefined) return;
    idle?.delete(worker);
    idle?.add(worker);
    this.#boss?.notifyWorker(worker);
  }

  async #tryToStart(): Promise<number> {
    const { observer } = this.#deps;
    if (this.#boss !== undefined) return FOREVER_MS;
    try {
      const boss = await openBoss(this.#deps);
      try {
        for (const kind of this.#kinds) this.#idle.set(kind.name, await startWorker(boss, kind));
      } catch (error) {
        await boss.stop({ graceful: false, close: false });
        throw error;
      }
      this.#boss = boss;
      observer.onStarted();
      for (const kind of this.#kinds) await kind.onStarted?.();
      return FOREVER_MS;
    } catch (error) {
      observer.onUnavailable(error);
      return START_RETRY_MS;
    }
  }
}

/** The longest time of a timer in Node. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Creates or migrates the tables of the job queue with pg-boss's own statements.
 * @throws the driver's error if the database user may not.
 */
export async function migrateJobs(store: JobStore): Promise<void> {
  const boss = await openBoss(
    { store, observer: { onError: () => undefined } },
    { supervise: false, schedule: false },
  );
  await boss.stop({ graceful: false, close: false });
}

async function openBoss(
  { store, observer }: Pick<JobQueueDeps, "store"> & { readonly observer: Pick<JobObserver, "onError"> },
  work = { supervise: true, schedule: true },
): Promise<PgBoss> {
  // Import here, because the gateway serves requests before it needs the queue.
  const pgBoss = await import("pg-boss");
  const boss = new pgBoss.PgBoss({
    db: store,
    schema: store.schema,
    backend: store.kind,
    ...work,
    // The gateway's database role owns no index, and reports nothing about itself to the database.
    ...{ reindex: false, monitorVacuum: false, registerInstance: false },
  });
  boss.on("error", (error) => observer.onError(error));
  return boss.start();
}

/** Starts the workers of a kind. Returns those that wait for a job. */
async function startWorker(boss: PgBoss, kind: JobKind): Promise<Set<string>> {
  const { name, concurrency, cron } = kind;
  await boss.createQueue(name, {
    // At most one job waits for each key.
    ...{ policy: "short", retryLimit: 0, expireInSeconds: EXPIRE_SECONDS },
    ...{ retentionSeconds: 86_400, deleteAfterSeconds: 3_600 },
  });
  const idle = new Set<string>();
  const polling = { pollingIntervalSeconds: POLL_SECONDS * concurrency };
  for (let started = 0; started < concurrency; started++) {
    const worker: string = await boss.work<JobData>(name, polling, async ([job]) => {
      idle.delete(worker);
      try {
        if (job !== undefined) await kind.run(job.data.key);
      } finally {
        idle.add(worker);
      }
    });
    idle.add(worker);
  }
  if (cron !== undefined) await boss.schedule(name, cron, { key: "schedule" });
  return idle;
}
