import { sql } from "kysely";
import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import { systemClock } from "../../src/clock.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { SlotStore } from "../../src/quota/slot-store.ts";
import { APPLIED, FRESH, intentOf, newUin } from "../audit/intent-of.ts";
import { createTestPostgres } from "../support/open-test-database.ts";

/** A database whose sessions all begin with these settings. */
async function presetDatabase(...settings: readonly string[]): Promise<string> {
  const url = await createTestPostgres();
  const operator = new pg.Client(inject("testDatabases").postgresUrl);
  await operator.connect();
  for (const setting of settings) {
    await operator.query(`alter database ${new URL(url).pathname.slice(1)} set ${setting}`);
  }
  await operator.end();
  return url;
}

async function open(url: string) {
  const database = await openPostgres({ url });
  onTestFinished(() => database.close());
  return database;
}

/** The gateway's work with its store: records, settles, lists, takes slots, adjusts one, and verifies. */
async function useStore(url: string) {
  const database = await open(url);
  const log = new ChangeStore({ database, replica: "replica-1" });
  const opUin = newUin();
  const { kind, id } = await log.begin(intentOf({ opUin }), FRESH);
  const settled = (await log.settle(id, APPLIED))?.sealed;
  const record = await log.read(id);
  const createdMs = record?.createdAt.getTime() ?? Number.NaN;
  const [from, until] = [new Date(createdMs), new Date(createdMs + 1)];
  const listed = await log.list({ opUin, from, until }, 10);
  const before = await log.list({ opUin, until: from }, 10);
  const store = new SlotStore({ database, clock: systemClock });
  const key = { secretId: opUin, action: "SetMfaFlag" };
  const question = { replica: "r1", ratePerSecond: 20, bulk: false, withinMs: 5_000, wantsOutlook: true };
  const first = await store.take(key, { ...question, adjustments: [] });
  const adjustments = [{ slotMs: first.slotMs, toMs: undefined }];
  const second = await store.take(key, { ...question, adjustments });
  return {
    ...{ kind, settled },
    isNow: Math.abs(createdMs - Date.now()) < 3_600_000,
    listed: listed.map((each) => each.id === id),
    before,
    // The first slot was given back, so only the second is left.
    slots: second.outlook?.taken,
    problem: (await verifyDatabase(database.db, undefined)).problem,
  };
}

const WORKS = {
  ...{ kind: "BEGUN", settled: true, isNow: true, listed: [true], before: [], slots: 1 },
  problem: undefined,
};

describe("a setting that a role or database presets has no effect", () => {
  test.each([
    ["default_transaction_isolation = 'repeatable read'"],
    ["default_transaction_isolation = 'serializable'"],
    ["default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on"],
    ["lock_timeout = '1ms'"],
    ["idle_in_transaction_session_timeout = '1ms'"],
    ["transaction_timeout = '1s'", "idle_session_timeout = '1s'"],
    ["search_path = ''"],
    ["search_path = pg_catalog, public"],
    ["DateStyle = 'SQL, DMY'"],
    ["DateStyle = 'German'"],
    ["DateStyle = 'Postgres, YMD'"],
    ["IntervalStyle = 'iso_8601'"],
    ["TimeZone = 'Pacific/Chatham'"],
    ["bytea_output = 'escape'"],
    ["extra_float_digits = -15"],
    ["extra_float_digits = 0"],
    ["extra_float_digits = 3"],
    ["standard_conforming_strings = off", "escape_string_warning = off"],
    ["backslash_quote = off"],
    ["client_encoding = 'LATIN1'"],
    ["array_nulls = off"],
    ["transform_null_equals = on"],
    ["quote_all_identifiers = on"],
    ["xmloption = 'document'"],
    ["row_security = off"],
    ["exit_on_error = on"],
    ["client_min_messages = 'debug5'"],
    ["check_function_bodies = off"],
    ["plan_cache_mode = 'force_generic_plan'"],
    ["synchronous_commit = off"],
    ["jit = on", "jit_above_cost = 0"],
    ["work_mem = '64kB'", "max_parallel_workers_per_gather = 8"],
    ["enable_indexscan = off", "enable_bitmapscan = off", "enable_indexonlyscan = off"],
    ["enable_seqscan = off", "enable_sort = off", "enable_nestloop = off", "enable_hashjoin = off"],
  ])("%s", async (...settings) => {
    expect(await useStore(await presetDatabase(...settings))).toEqual(WORKS);
  });

  test("statement_timeout = '1ms'", async () => {
    const url = await presetDatabase("statement_timeout = '1ms'");
    // On a busy machine, the server may cancel the statement that sets the limit.
    await expect.poll(() => useStore(url)).toEqual(WORKS);
  });

  test("a change is on disk before the call of CAM, even if sessions begin with synchronous_commit = off", async () => {
    const { db, quota, reads } = await open(await presetDatabase("synchronous_commit = off"));
    for (const lane of [db, quota]) {
      const { rows } = await sql`select current_setting('synchronous_commit') as level`.execute(lane);
      expect(rows).toEqual([{ level: "on" }]);
    }
    await expect(sql`select 1`.execute(reads)).resolves.toBeDefined();
  });

  test("each lane has its own limits", async () => {
    const { db, quota, reads, withoutTimeLimit } = await open(
      await presetDatabase("statement_timeout = '9s'", "transaction_timeout = '9s'", "lock_timeout = '9s'"),
    );
    const limits = sql<{ limits: string }>`
      select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'),
        current_setting('transaction_timeout'), current_setting('transaction_read_only')) as limits`;
    const of = async (lane: typeof db) => (await limits.execute(lane)).rows[0]?.limits;
    expect([await of(db), await of(quota), await of(reads), await withoutTimeLimit(of)]).toEqual([
      "5s 5s 0 off",
      "1s 500ms 0 off",
      "2s 2s 0 on",
      "0 0 0 off",
    ]);
  });

  test("a transaction has the requested isolation and access mode", async () => {
    const { db } = await open(await presetDatabase("default_transaction_isolation = 'serializable'"));
    const how = sql`
      select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as "readOnly"`;
    const moment = db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only");
    const { rows } = await moment.execute((trx) => how.execute(trx));
    expect(rows).toEqual([{ isolation: "repeatable read", readOnly: "on" }]);
    const plain = await db.transaction().execute((trx) => how.execute(trx));
    expect(plain.rows).toEqual([{ isolation: "read committed", readOnly: "off" }]);
  });

  test("an operator's stronger synchronous_commit remains in force", async () => {
    const { db } = await open(await presetDatabase("synchronous_commit = 'remote_apply'"));
    const { rows } = await sql`select current_setting('synchronous_commit') as level`.execute(db);
    expect(rows).toEqual([{ level: "remote_apply" }]);
  });

  test("a unit of work leaves no setting in its session", async () => {
    const { db } = await open(await presetDatabase("statement_timeout = '77s'", "TimeZone = 'Asia/Tokyo'"));
    const { rows } = await db.connection().execute(async (connection) => {
      const client = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(connection);
      // reset_val is the value that the session has outside of units of work.
      const after = await sql`
        select name, reset_val from pg_settings where name in ('statement_timeout', 'TimeZone')
        order by lower(name)`.execute(connection);
      expect(client.rows).toHaveLength(1);
      return after;
    });
    expect(rows).toEqual([
      { name: "statement_timeout", reset_val: "77000" },
      { name: "TimeZone", reset_val: "Asia/Tokyo" },
    ]);
  });

  test("the gateway keeps using the schema in which it found its tables at the start", async () => {
    const url = await presetDatabase("search_path = mine, public");
    const admin = new pg.Client(url);
    await admin.connect();
    onTestFinished(() => admin.end());
    await admin.query("create schema mine");
    const database = await open(url);
    const log = new ChangeStore({ database, replica: "replica-1" });
    // The tables are in public; a later table in an earlier schema of the path must not replace them.
    await admin.query("create table mine.mfa_change (like public.mfa_change including all)");
    const { kind } = await log.begin(intentOf(), FRESH);
    expect(kind).toBe("BEGUN");
    const { rows } = await admin.query("select count(*)::integer as changes from public.mfa_change");
    expect(rows).toEqual([{ changes: 1 }]);
  });

  test("the triggers of the record fire for session_replication_role = replica too", async () => {
    const url = await createTestPostgres();
    const database = await open(url);
    const log = new ChangeStore({ database, replica: "replica-1" });
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
    const replica = new pg.Client({ connectionString: url, options: "-c session_replication_role=replica" });
    await replica.connect();
    onTestFinished(() => replica.end());
    for (const forgery of [
      "update mfa_change set status = 'refused'",
      "delete from mfa_change",
      "truncate mfa_change",
      "delete from audit_chain",
      "delete from audit_checkpoint",
      "delete from caller_pause",
    ]) {
      await expect(replica.query(forgery)).rejects.toThrow(/the record of changes is kept/);
    }
  });
});

describe("an unusable setting is reported at the start", () => {
  test.each([
    ["session_replication_role = 'replica'", /sets session_replication_role to replica.* Reset it\.$/],
    ["search_path = 'nowhere'", /no schema to work in\. Check the search_path of the role and the database/],
  ])("%s", async (setting, words) => {
    await expect(openPostgres({ url: await presetDatabase(setting) })).rejects.toThrow(words);
  });
});
