import { sql } from "kysely";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { CallerPauses } from "../../src/audit/caller-pauses.ts";
import { ChangeStore, changesPage } from "../../src/audit/change-store.ts";
import { systemClock } from "../../src/clock.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { SlotStore } from "../../src/quota/slot-store.ts";
import { APPLIED, FRESH, intentOf, newUin } from "../audit/intent-of.ts";
import { createTestPostgres } from "../support/open-test-database.ts";

async function openBoth(maxConnections: number) {
  const url = await createTestPostgres();
  const operator = new pg.Client(url);
  await operator.connect();
  onTestFinished(() => operator.end());
  const database = await openPostgres({ url, maxConnections });
  onTestFinished(() => database.close());
  return { url, operator, database };
}

const SLOT = {
  replica: "r1",
  ratePerSecond: 20,
  bulk: false,
  withinMs: 5_000,
  adjustments: [],
  wantsOutlook: false,
};

test.each([3, 10])("of %i connections, waiting reads take none from changes and the quota", async (most) => {
  const { database, operator } = await openBoth(most);
  const log = new ChangeStore({ database, replica: "replica-1" });
  const store = new SlotStore({ database, clock: systemClock });
  await operator.query("select pg_advisory_lock(1)");
  // Many more reads than connections, and each waits for a lock.
  const reads = Promise.allSettled(
    Array.from({ length: 150 }, () => sql`select pg_advisory_xact_lock_shared(1)`.execute(database.reads)),
  );
  await expect
    .poll(async () => {
      const waiting = "select count(*)::integer as n from pg_stat_activity where wait_event = 'advisory'";
      return (await operator.query(waiting)).rows[0].n;
    })
    .toBe(most === 3 ? 1 : 4);
  for (let change = 0; change < 5; change++) {
    const { kind, id } = await log.begin(intentOf(), FRESH);
    expect(kind).toBe("BEGUN");
    expect(await log.settle(id, APPLIED)).toBeTruthy();
    expect((await store.take({ secretId: "a", action: "b" }, SLOT)).slotMs).toBeGreaterThan(0);
  }
  const { rows } = await operator.query(
    "select count(*)::integer as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  expect(rows[0].n).toBeLessThanOrEqual(most);
  await operator.query("select pg_advisory_unlock(1)");
  await reads;
});

test("a read ends after two seconds, and its error suggests a narrower filter", async () => {
  const { database, operator } = await openBoth(3);
  await operator.query("begin");
  await operator.query("lock table mfa_change in access exclusive mode");
  const log = new ChangeStore({ database, replica: "replica-1" });
  await expect(log.list({}, 10)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("ends after two seconds: narrow its filter"),
    cause: { code: expect.stringMatching(/57014|55P03/) },
  });
  await expect(log.read("0199aaaa-0000-7000-8000-000000000000")).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
  });
  await operator.query("rollback");
  await expect(new CallerPauses(database).list()).resolves.toEqual([]);
});

test("a session prepares a statement that repeats, and survives a migration that changes its columns", async () => {
  const { database, operator } = await openBoth(3);
  await operator.query("create table sample (a integer); insert into sample values (1)");
  const run = async () => (await sql`select * from sample where a = ${1}`.execute(database.db)).rows;
  const prepared = async () =>
    (await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(database.db))
      .rows;
  for (let count = 0; count < 4; count++) expect(await run()).toEqual([{ a: 1 }]);
  expect(await prepared()).toEqual([]);
  expect(await run()).toEqual([{ a: 1 }]);
  expect(await prepared()).toEqual([{ statement: "select * from sample where a = $1" }]);
  await operator.query("alter table sample add column b integer");
  expect(await run()).toEqual([{ a: 1, b: null }]);
  expect(await run()).toEqual([{ a: 1, b: null }]);
  // Reads have a plan for each filter.
  for (let count = 0; count < 6; count++) await sql`select a from sample`.execute(database.reads);
  const { rows } = await sql`select 1 from pg_prepared_statements`.execute(database.reads);
  expect(rows).toEqual([]);
});

test("the lane for reads refuses writes", async () => {
  const { database } = await openBoth(3);
  await expect(sql`update audit_chain set seq = 7`.execute(database.reads)).rejects.toMatchObject({
    code: "25006",
  });
});

test("every filter and pair of filters reads its rows from an index, in order", async () => {
  const { database } = await openBoth(3);
  const insert = sql`
    insert into mfa_change (id, account, op_uin, caller_subject, gateway_request_id, requested, request_hash,
      before_image, sent, status, replica, created_at, finished_at)
    select gen_random_uuid(), 'a' || i % 2, (i % 500)::text, 'c' || i % 2, 'r', '{}', 'h', '{}', '{}',
      case when i % 5000 = 0 then 'unknown' else 'applied' end, 'r', now() + i * interval '1 second', now()
    from generate_series(1, 20000) i`;
  await database.withoutTimeLimit((db) => insert.execute(db));
  await sql`analyze mfa_change`.execute(database.db);
  const alone = [
    { account: "a0" },
    { callerSubject: "c1" },
    { status: "unknown" as const },
    { status: "refused" as const },
    { opUin: newUin() },
    { from: new Date() },
    { until: new Date() },
  ];
  for (const one of alone) {
    for (const other of [{}, ...alone]) {
      const { rows } = await sql<{ "QUERY PLAN": string }>`
        explain (analyze, buffers, costs off) ${changesPage({ ...one, ...other }, 21)}`.execute(
        database.reads,
      );
      const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      expect(plan, JSON.stringify({ one, other })).toMatch(/Index Scan (using|on) mfa_change_by_/);
      expect(plan).not.toMatch(/Seq Scan on mfa_change|Rows Removed by Filter: \d{4}/);
    }
  }
});
