import { sql } from "kysely";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/database/database.ts";
import { type JobKind, JobQueue, migrateJobs } from "../../src/jobs/job-queue.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import {
  createTestPostgres,
  openEmptyDatabase,
  openTestDatabase,
  openTestPostgres,
} from "../support/open-test-database.ts";

/**
 * Starts a queue with one kind of jobs, and records its reports and the keys of its jobs.
 * @param mayEnd What each job waits for.
 */
function startQueue({ jobs: store }: Database, concurrency = 2, mayEnd = Promise.resolve()) {
  const [ran, errors, unavailable]: [string[], unknown[], unknown[]] = [[], [], []];
  const onStarted = vi.fn();
  const kind: JobKind = {
    // The schedule adds no job during a test.
    ...{ name: "a-job", concurrency, cron: "0 0 29 2 *" },
    run: async (key) => {
      ran.push(key);
      await mayEnd;
    },
  };
  const queue = new JobQueue({
    ...{ store, clock: systemClock },
    observer: {
      onStarted,
      onUnavailable: (error) => unavailable.push(error),
      onError: (error) => errors.push(error),
    },
  });
  queue.start([kind]);
  onTestFinished(() => queue.stop());
  return { queue, ran, errors, unavailable, onStarted };
}

const PATIENT = { timeout: 20_000 };

describe.each(["postgres", "pglite"] as const)("the job queue in %s", (kind) => {
  test("keeps one waiting job of each key, and a process that starts later runs what waits", async () => {
    const database = await openTestDatabase(kind);
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const first = startQueue(database, 1, mayEnd);
    await vi.waitFor(() => expect(first.onStarted).toHaveBeenCalled(), PATIENT);
    await first.queue.send("a-job", "the only worker");
    await vi.waitFor(() => expect(first.ran).toHaveLength(1), PATIENT);
    await Promise.all(["one", "two", "one"].map((key) => first.queue.send("a-job", key)));
    end();
    await vi.waitFor(() => expect(first.ran).toHaveLength(3), PATIENT);
    expect(first.ran.slice(1).toSorted()).toEqual(["one", "two"]);
    await first.queue.send("a-job", "three", 1);
    await first.queue.stop();
    const second = startQueue(database, 1);
    await vi.waitFor(() => expect(second.ran).toContain("three"), PATIENT);
    expect(second.ran).toEqual(["three"]);
    expect([...first.errors, ...second.errors, ...first.unavailable]).toEqual([]);
  });
});

test("a sent job wakes a worker, which polls every two minutes when there are many", async () => {
  const database = await openTestDatabase("postgres");
  const { queue, ran, onStarted } = startQueue(database, 60);
  await vi.waitFor(() => expect(onStarted).toHaveBeenCalled(), PATIENT);
  for (const key of ["one", "two"]) {
    await queue.send("a-job", key);
    await vi.waitFor(() => expect(ran).toContain(key), PATIENT);
  }
});

test("the gateway's role runs jobs with the documented rights", async () => {
  const ownerUrl = await createTestPostgres();
  const role = await openTestPostgres(await createGatewayRole(ownerUrl));
  const { queue, ran, errors, onStarted } = startQueue(role);
  await vi.waitFor(() => expect(onStarted).toHaveBeenCalled(), PATIENT);
  await queue.send("a-job", "one");
  await vi.waitFor(() => expect(ran).toContain("one"), PATIENT);
  expect(errors).toEqual([]);
});

test("without tables and the right to create them, the queue reports it, and sending does nothing", async () => {
  const owner = await openEmptyDatabase("postgres");
  const denied: Database["jobs"] = {
    ...owner.jobs,
    executeSql: async (text, values) => {
      if (/create schema/i.test(text)) throw new Error("permission denied for database");
      return owner.jobs.executeSql(text, values);
    },
  };
  const { queue, unavailable, onStarted } = startQueue({ ...owner, jobs: denied });
  await vi.waitFor(() => expect(unavailable).toHaveLength(1), PATIENT);
  expect(onStarted).not.toHaveBeenCalled();
  await expect(queue.send("a-job", "one")).resolves.toBeUndefined();
  await migrateJobs(owner.jobs);
  await migrateJobs(owner.jobs);
  const { rows } = await sql<{ tables: number }>`
    select count(*)::integer as tables from information_schema.tables where table_schema = 'public_jobs'`.execute(
    owner.db,
  );
  expect(rows[0]?.tables).toBeGreaterThan(3);
});
