import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { ApprovalStore } from "../../src/audit/approval-store.ts";
import { CallerPauses } from "../../src/audit/caller-pauses.ts";
import { ChainAnchors } from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import { exportRecord } from "../../src/audit/export-record.ts";
import { atOneMoment } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import { systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/database/database.ts";
import { migrate } from "../../src/database/migrate.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { createGatewayRole, createRole } from "../support/gateway-role.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { TEST_MACS } from "../support/signing-key.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { APPLIED, FRESH, intentOf, newUin } from "./intent-of.ts";
import { newSigningKey } from "./make-chain.ts";

const key = newSigningKey();
let owner: Database;
let ownerUrl: string;
/** A role with exactly the documented rights. */
let role: Database;
let roleUrl: string;
let log: ChangeStore;

beforeAll(async () => {
  ownerUrl = await createTestPostgres();
  owner = await openTestPostgres(ownerUrl);
  roleUrl = await createGatewayRole(ownerUrl);
  role = await openTestPostgres(roleUrl);
  log = new ChangeStore({ database: role, replica: "replica-1", requestMacs: TEST_MACS });
});

async function awaiting(): Promise<string> {
  const { kind, id } = await log.begin(intentOf({ approvalMs: 3_600_000 }), FRESH);
  expect(kind).toBe("AWAITING");
  return id;
}

/** An intent in the form of begin_change, with any additional columns. */
function columns(more: object = {}): string {
  const { account, opUin, caller, gatewayRequestId, requested, requestHash, before, sent } = intentOf();
  return JSON.stringify({
    ...{ account, op_uin: opUin, caller_subject: caller.subject, gateway_request_id: gatewayRequestId },
    ...{ requested, request_hash: requestHash, before_image: before, sent, replica: "mallory" },
    ...more,
  });
}

async function rowOf(id: string) {
  const { rows } = await sql<Record<string, unknown>>`
    select *, lease_until - clock_timestamp() as lease, extract(epoch from lease_until - clock_timestamp())::float8 as lease_s,
      extract(epoch from clock_timestamp() - created_at)::float8 as age_s,
      extract(epoch from expires_at - clock_timestamp())::float8 as expires_s
    from mfa_change where id = ${id}`.execute(owner.db);
  return rows[0] ?? {};
}

describe("the gateway's database role does the gateway's work", () => {
  test("records, settles, approves, rejects and claims changes", async () => {
    const approvals = new ApprovalStore({ database: role, replica: "replica-1", requestMacs: TEST_MACS });
    const { id } = await log.begin(intentOf(), FRESH);
    expect(await log.settle(id, APPLIED)).toBeDefined();
    const by = { subject: "bob", client: undefined, issuer: undefined };
    const how = { by, gatewayRequestId: "r", reason: undefined, before: {}, sent: {}, leaseMs: 1_000 };
    const approved = await awaiting();
    expect(await approvals.approve(approved, how, FRESH)).toEqual({ kind: "BEGUN", id: approved });
    expect(await approvals.reject(await awaiting(), by, how)).toBe("SETTLED");
    const overdue = await log.begin(intentOf({ account: "overdue", leaseMs: -1 }), FRESH);
    expect((await log.claim("overdue", 10, 1_000)).map((record) => record.id)).toEqual([overdue.id]);
  });

  test("pauses and resumes callers, but no caller can end their own pause", async () => {
    const guarded = new ChangeStore({
      database: role,
      replica: "replica-1",
      guard: { users: 1, withinMs: 60_000 },
    });
    const caller = { subject: newUin(), client: undefined, issuer: undefined };
    await guarded.begin(intentOf({ caller }), FRESH);
    const { kind, id } = await guarded.begin(intentOf({ caller }), FRESH);
    expect(kind).toBe("PAUSES");
    const pauses = new CallerPauses(role);
    expect(await pauses.resume(id, caller)).toBeUndefined();
    expect(await pauses.isPaused(caller)).toBe(true);
    expect(await pauses.resume(id, { ...caller, subject: "operator" })).toMatchObject({ id });
  });

  test("signs checkpoints, takes slots, and widens windows", async () => {
    const anchors = await ChainAnchors.open({ file: undefined });
    const deps = { database: role, privateKey: key.privateKey, anchors, clock: systemClock, intervalMs: 1 };
    await log.settle((await log.begin(intentOf(), FRESH)).id, APPLIED);
    expect(await new AuditCheckpointer(deps).checkpoint()).toMatchObject({ publicKey: key.encoded });
    const { rows } = await sql<{ granted: boolean }>`
      select granted from take_slot('AKID', 'A', 'replica-1', 20, false, 1000, '{}', '{}', true)`.execute(
      role.db,
    );
    expect(rows).toEqual([{ granted: true }]);
    await sql`select back_off_window('AKID', 'A', 0)`.execute(role.db);
  });
});

describe("it cannot", () => {
  test.each([
    ["insert a change", "insert into mfa_change (id) values (gen_random_uuid())"],
    ["alter a change that waits", "update mfa_change set op_uin = '1' where status = 'awaiting_approval'"],
    ["alter the request", `update mfa_change set requested = '{"action": {"phone": false}}'`],
    ["hold a user", "update mfa_change set lease_until = 'infinity'"],
    ["delete a change", "delete from mfa_change"],
    ["truncate the record", "truncate mfa_change"],
    ["lock a row", "select 1 from mfa_change for update"],
    ["lock the table", "do $$ begin lock table mfa_change in exclusive mode; end $$"],
    ["move the end of a chain", "update record_chain set seq = 0"],
    ["lock the end of a chain", "select 1 from record_chain for update"],
    ["add a record to a chain", "select extend_chain('gateway', '{}')"],
    ["forge an event", `select record_event('{"kind": "caller_resumed"}')`],
    ["delete an event", "delete from audit_event"],
    ["insert a checkpoint", "insert into record_checkpoint values (1, 'a', 'a', 'a', 'a')"],
    ["alter a checkpoint", "update record_checkpoint set hash = 'a'"],
    ["forget the users of a caller", "delete from caller_user"],
    ["lower the count of users", "update caller_account set users = 0"],
    [
      "pause a caller",
      "insert into caller_pause (id, subject, users, within_ms) values (gen_random_uuid(), 'a', 1, 1)",
    ],
    ["resume a caller", "update caller_pause set resumed_at = now(), resumed_by_subject = 'b'"],
    ["stop the quota", "update quota_window set paused_until = 'infinity'"],
    ["forget the quota", "delete from quota_window"],
    ["claim a migration", "insert into gateway_migration (name) values ('9999_x')"],
    ["count up the changes", "select nextval('mfa_change_begun_seq')"],
    ["set the count of changes", "select setval('mfa_change_begun_seq', 1)"],
    ["disable a trigger", "alter table mfa_change disable trigger user"],
    [
      "replace a function",
      "create or replace function iso_time(at timestamptz) returns text language sql as 'select 1'",
    ],
    [
      "create a function in the schema",
      "create function public.settle_change(uuid) returns int language sql as 'select 1'",
    ],
    ["create a table in the schema", "create table public.mine (id int)"],
    ["run internal functions", "select * from guard_caller('a', null, 'default', '1', 1, 1)"],
    ["expire a change by itself", "select expire_change(gen_random_uuid())"],
    ["lock a row of the quota", "select lock_quota_window('a', 'b')"],
    ["become the owner", "alter function settle_change owner to current_user"],
  ])("%s", async (_, statement) => {
    await awaiting();
    const refused = await sql
      .raw(statement)
      .execute(role.db)
      .catch((error: unknown) => error);
    expect((refused as { code?: string }).code).toMatch(/^(42501|42883|42P16)$/);
  });

  test("date a record back, or set its status, place or decision, through the input of begin_change", async () => {
    const intent = columns({
      created_at: "2020-01-01",
      finished_at: "2020-01-01",
      begun: 1,
      status: "applied",
      seq: 1,
      hash: "x",
      decision: "approved",
      decided_by_subject: "bob",
      request_mac: "x",
      lease_until: "infinity",
    });
    const { rows } = await sql<{ change_id: string }>`
      select change_id from begin_change(${intent}::jsonb, 1000, null, 0, 0, null, 0)`.execute(role.db);
    const row = await rowOf(rows[0]?.change_id ?? "");
    expect(row).toMatchObject({
      status: "pending",
      seq: null,
      decision: null,
      finished_at: null,
      request_mac: null,
    });
    expect(Math.abs(row["age_s"] as number)).toBeLessThan(60);
  });

  test.each(["1e12", "'infinity'", "'nan'", "null", "360001"])(
    "hold a user for longer than a lease: %s",
    async (leaseMs) => {
      const { rows } = await sql<{ change_id: string }>`
        select change_id from begin_change(
          ${columns({ account: `lease-${leaseMs}` })}::jsonb, ${sql.raw(leaseMs)}, null, 0, 0, null, 0
        )`.execute(role.db);
      const id = rows[0]?.change_id ?? "";
      expect((await rowOf(id))["lease_s"]).toBeLessThanOrEqual(360);
      await sql`update mfa_change set lease_until = now() - interval '1 minute' where id = ${id}`.execute(
        owner.db,
      );
      await sql`
        select from claim_changes(${`lease-${leaseMs}`}, 'mallory', 1, 0, ${sql.raw(leaseMs)})`.execute(
        role.db,
      );
      expect((await rowOf(id))["lease_s"]).toBeLessThanOrEqual(360);
    },
  );

  test("hold a user for longer by approving", async () => {
    const id = await awaiting();
    await sql`
      select from approve_change(${id}, 'bob', 'bob', null, null, 'r', null, '{}', '{}', 'mallory', 'infinity', 0, 0, null, 0)`.execute(
      role.db,
    );
    expect((await rowOf(id))["lease_s"]).toBeLessThanOrEqual(360);
  });

  test.each(["1e12", "'infinity'", "'nan'"])(
    "have a change wait for approval for ever: %s",
    async (approvalMs) => {
      const { rows } = await sql<{ change_id: string }>`
      select change_id from begin_change(${columns()}::jsonb, 1000, ${sql.raw(approvalMs)}, 0, 0, null, 0)`.execute(
        role.db,
      );
      expect((await rowOf(rows[0]?.change_id ?? ""))["expires_s"]).toBeLessThanOrEqual(604_800);
    },
  );

  test("end a change that waits without a decision, or give it another MAC", async () => {
    const id = await awaiting();
    for (const status of ["refused", "applied", "unknown", "pending"]) {
      await expect(log.settle(id, { ...APPLIED, status: status as "refused" })).rejects.toMatchObject({
        code: "23514",
      });
    }
    const before = await rowOf(id);
    const { rows } = await sql`select seal_request(${id}, 'mine', 'mine') as sealed`.execute(role.db);
    expect(rows).toEqual([{ sealed: false }]);
    expect((await rowOf(id))["request_mac"]).toBe(before["request_mac"]);
  });

  test("settle a sealed record again", async () => {
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
    const before = await rowOf(id);
    await log.settle(id, { ...APPLIED, status: "refused", code: "FORGED" }).catch(() => undefined);
    expect((await rowOf(id))["hash"]).toBe(before["hash"]);
  });

  test("shadow tables and functions of the functions by temporary ones, or by its search path", async () => {
    const client = new pg.Client(roleUrl);
    await client.connect();
    try {
      await client.query("create temporary table mfa_change (like public.mfa_change including defaults)");
      await client.query("create temporary table record_chain (like public.record_chain)");
      await client.query("set search_path = pg_temp, public");
      const { rows } = await client.query(
        "select change_id from public.begin_change($1::jsonb, 1000, null, 0, 0, null, 0)",
        [columns()],
      );
      expect(await rowOf(rows[0].change_id)).toMatchObject({ status: "pending" });
      await client.query(
        "select from public.settle_change($1, 'refused', null, 'X', null, null, null, 0, 0, false)",
        [rows[0].change_id],
      );
      expect((await rowOf(rows[0].change_id))["chain_seq"]).not.toBeNull();
      expect((await client.query("select from pg_temp.mfa_change")).rowCount).toBe(0);
    } finally {
      await client.end();
    }
  });

  test("move slots of the quota so far ahead that no caller gets one", async () => {
    await sql`select take_slot('AKID', 'B', 'replica-1', 20, false, 1000, '{}', '{}', false)`.execute(
      role.db,
    );
    for (const far of ["'infinity'", "'nan'", "1e15"]) {
      const moved = sql`
        select take_slot('AKID', 'B', 'replica-1', 20, false, 1000,
          (select slots from quota_window where secret_id = 'AKID' and action = 'B'),
          array[${sql.raw(far)}]::float8[], false)`.execute(role.db);
      await expect(moved).rejects.toMatchObject({ code: "23514" });
      const taken = sql`
        select take_slot('AKID', 'B', 'replica-1', 20, false, ${sql.raw(far)}, '{}', '{}', false) from generate_series(1, 500)`;
      await taken.execute(role.db).catch(() => undefined);
    }
    const { rows } = await sql<{ ahead: number }>`
      select (slots[cardinality(slots)] - epoch_ms()) / 1000 as ahead from quota_window where action = 'B'`.execute(
      owner.db,
    );
    expect(rows[0]?.ahead).toBeLessThanOrEqual(360);
  });
});

describe("bogus checkpoints", () => {
  async function keep(values: readonly unknown[]): Promise<unknown> {
    const client = new pg.Client(roleUrl);
    await client.connect();
    try {
      const { rows } = await client.query("select keep_record_checkpoint($1, $2, $3, '{}') as kept", [
        ...values,
      ]);
      return rows[0].kept;
    } finally {
      await client.end();
    }
  }

  test("do not stop the signing, at any place and with any key", async () => {
    const anchors = await ChainAnchors.open({ file: undefined });
    const deps = { database: role, privateKey: key.privateKey, anchors, clock: systemClock, intervalMs: 1 };
    const checkpointer = new AuditCheckpointer(deps);
    await log.settle((await log.begin(intentOf(), FRESH)).id, APPLIED);
    const first = await checkpointer.checkpoint();
    const next = (first?.number ?? 0) + 1;
    const content = (number: number) => JSON.stringify({ number });
    await expect(keep(["{}", key.encoded, "x"])).rejects.toMatchObject({ code: "23514" });
    await expect(keep([content(next), "k".repeat(500), "x"])).rejects.toMatchObject({ code: "23514" });
    await expect(keep([content(next).padEnd(1_000_001), key.encoded, "x"])).rejects.toMatchObject({
      code: "23514",
    });
    // A number that has one.
    expect(await keep([content(next - 1), key.encoded, "x"])).toBe(false);
    // In the name of the gateway's key, before the gateway has signed.
    expect(await keep([content(next), key.encoded, "bogus"])).toBe(true);
    expect(await keep([content(next + 1_000), newSigningKey().encoded, "bogus"])).toBe(true);
    await log.settle((await log.begin(intentOf(), FRESH)).id, APPLIED);
    expect(await checkpointer.checkpoint()).toMatchObject({ number: next });
    await log.settle((await log.begin(intentOf(), FRESH)).id, APPLIED);
    expect(await checkpointer.checkpoint()).toMatchObject({ number: next + 1 });
    const report = await verifyDatabase(owner.db, [key.encoded]);
    expect(report).toMatchObject({ signed: { number: next + 1 } });
    expect(report.problem?.reason).toMatch(/^the stored checkpoint \d+ differs from its signed content$/);
  });
});

describe("the functions", () => {
  test("that write run as their owner, with pg_temp last, and only by grant", async () => {
    const { rows } = await sql<{ name: string; config: string; is_public: boolean }>`
      select p.proname as name, array_to_string(p.proconfig, ';') as config,
        has_function_privilege('public', p.oid, 'execute') as is_public
      from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef order by 1`.execute(
      owner.db,
    );
    expect(rows.map(({ name }) => name)).toEqual([
      "advance_rollout",
      "approve_change",
      "back_off_window",
      "begin_change",
      "begin_changes",
      "begin_rollout_change",
      "begin_rollout_changes",
      "bind_account",
      "claim_changes",
      "claim_open_items",
      "claim_rollout_items",
      "directory_watch",
      "end_rollout",
      "guard_mfa_rollout",
      "guard_mfa_rollout_items",
      "keep_checkpoint",
      "keep_record_checkpoint",
      "note_accounts",
      "probe_window",
      "record_events",
      "register_accounts",
      "reject_change",
      "reopen_claimed_change",
      "reopen_rollout_change",
      "resume_caller",
      "rollout_follow_change",
      "run_rollout",
      "seal_request",
      "seal_rollout",
      "settle_change",
      "settle_changes",
      "take_slot",
      "take_slots",
      "webhook_follow_change",
      "webhook_follow_drift",
      "webhook_follow_event",
      "webhook_follow_rollout",
      "webhook_follow_scan",
    ]);
    const planning: Readonly<Record<string, readonly string[]>> = {
      begin_changes: ["plan_cache_mode=force_generic_plan"],
      begin_rollout_changes: [
        "plan_cache_mode=force_generic_plan",
        "enable_hashjoin=off",
        "enable_mergejoin=off",
      ],
    };
    for (const { name, config, is_public } of rows) {
      const settings = ["search_path=public, pg_temp", ...(planning[name] ?? [])];
      expect([config, is_public]).toEqual([settings.join(";"), false]);
    }
  });
});

test("a reader of the record verifies and exports it, and nothing else", async () => {
  const url = await createRole(ownerUrl, (name) => [
    `create role ${name} login password 'change-me'`,
    `grant select on mfa_change, record_chain, record_checkpoint, audit_event, audit_checkpoint to ${name}`,
  ]);
  const reader = await openTestPostgres(url);
  const report = await reader.withoutTimeLimit((db) =>
    atOneMoment(db, (moment) => verifyDatabase(moment, undefined)),
  );
  expect(report.records).toBeGreaterThan(0);
  let lines = 0;
  for await (const _ of exportRecord(reader.db)) lines++;
  expect(lines).toBeGreaterThan(1);
  const begin = sql`select begin_change(${columns()}::jsonb, 1, null, 0, 0, null, 0)`.execute(reader.db);
  await expect(begin).rejects.toMatchObject({ code: "42501" });
});

test("a role of an earlier release loses its direct writes and can run the functions", async () => {
  const url = await createTestPostgres({ empty: true });
  const database = await openTestPostgres(url);
  const earlier = await migrateUpTo(database, "0005");
  expect(earlier).not.toContain("0006_record_roles");
  const before = await createRole(url, (name) => [
    `create role ${name} login password 'change-me'`,
    `grant select on gateway_migration, quota_window to ${name}`,
    `grant select, insert, update on mfa_change to ${name}`,
    `grant usage on sequence mfa_change_begun_seq to ${name}`,
    `grant select, insert, update on caller_pause to ${name}`,
    `grant select, update on audit_chain to ${name}`,
    `grant select, insert on audit_checkpoint to ${name}`,
  ]);
  await migrate(database, MIGRATIONS_DIR);
  const gateway = await openTestPostgres(before);
  const upgraded = new ChangeStore({ database: gateway, replica: "replica-1", requestMacs: TEST_MACS });
  const { id } = await upgraded.begin(intentOf({ approvalMs: 60_000 }), FRESH);
  expect(await upgraded.find(id)).toMatchObject({ status: "awaiting_approval" });
  for (const table of ["mfa_change", "audit_chain", "audit_checkpoint", "caller_pause"]) {
    for (const right of ["insert", "update", "delete"]) {
      const { rows } = await sql`select has_table_privilege(${table}, ${right}) as has`.execute(gateway.db);
      expect(rows, `${right} on ${table}`).toEqual([{ has: false }]);
    }
  }
});

test("a role that ran the quota's functions before 0007 renamed their parameters still runs them", async () => {
  const url = await createTestPostgres({ empty: true });
  const database = await openTestPostgres(url);
  await migrateUpTo(database, "0006");
  const before = await createRole(url, (name) => [
    `create role ${name} login password 'change-me'`,
    `grant select on quota_window to ${name}`,
    `grant execute on function take_slot, widen_window, probe_window to ${name}`,
  ]);
  await sql`select take_slot('AKID', 'A', 'replica-1', 20, false, 1000, '{}', '{}', true)`.execute(
    database.db,
  );
  // A slot of the past would go while the migrations run.
  await sql`update quota_window set slots = array[epoch_ms() + 120000]`.execute(database.db);
  await migrate(database, MIGRATIONS_DIR);
  const gateway = await openTestPostgres(before);
  const { rows } = await sql<{ granted: boolean; taken: number }>`
    select granted, (outlook ->> 'taken')::int as taken
    from take_slot('AKID', 'A', 'replica-2', 20, false, 300000, '{}', '{}', true)`.execute(gateway.db);
  expect(rows).toEqual([{ granted: true, taken: 2 }]);
  await sql`select back_off_window('AKID', 'A', 0), probe_window('AKID', 'A')`.execute(gateway.db);
});

test("the gateway works in a schema other than public, with an owner who is not a superuser", async () => {
  const url = await createTestPostgres({ empty: true });
  const ownerOf = await createRole(url, (name) => [
    `create role ${name} login password 'change-me'`,
    `create schema "The Gateway" authorization ${name}`,
    `alter role ${name} set search_path = "The Gateway"`,
  ]);
  const database = await openTestPostgres(ownerOf);
  await migrate(database, MIGRATIONS_DIR);
  const there = new ChangeStore({ database, replica: "replica-1", requestMacs: TEST_MACS });
  const { id } = await there.begin(intentOf(), FRESH);
  expect(await there.settle(id, APPLIED)).toBeDefined();
  const { rows } = await sql<{ config: string }>`
    select distinct proconfig[1] as config from pg_proc where prosecdef`.execute(database.db);
  expect(rows).toEqual([{ config: 'search_path="The Gateway", pg_temp' }]);
});

/** Migrates like a release that has no later migration. */
async function migrateUpTo(database: Database, last: string): Promise<readonly string[]> {
  const { path } = await temporaryFolder();
  await cp(MIGRATIONS_DIR, path, { recursive: true });
  for (const file of await readdir(path)) if (file.slice(0, 4) > last) await rm(join(path, file));
  return migrate(database, path);
}
