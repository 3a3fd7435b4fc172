import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { beforeEach, describe, expect, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { exportRecord } from "../../src/audit/export-record.ts";
import { atOneMoment } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import { verifyExport } from "../../src/audit/verify-export.ts";
import type { Database } from "../../src/database/database.ts";
import { migrate, readMigrations } from "../../src/database/migrate.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { APPLIED, FRESH, intentOf } from "../audit/intent-of.ts";
import { createGatewayRole, createRole } from "../support/gateway-role.ts";
import { createTestPostgres, openEmptyDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const files = (await readdir(MIGRATIONS_DIR)).sort();
const all = files.map((file) => file.replace(/\.sql$/, ""));

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "migrations-"));
  return () => rm(dir, { recursive: true });
});

/** A folder with the first migrations of the gateway and additional ones. */
async function folderOf(first: number, others: Readonly<Record<string, string>> = {}): Promise<string> {
  for (const file of files.slice(0, first)) await cp(join(MIGRATIONS_DIR, file), join(dir, file));
  for (const [name, text] of Object.entries(others)) await writeFile(join(dir, `${name}.sql`), text);
  return dir;
}

async function tablesOf({ db }: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public' order by 1`.execute(
    db,
  );
  return rows.map(({ name }) => name);
}

test("the folder contains only migrations, which are numbered without gaps", () => {
  expect(files.map((file) => /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1])).toEqual(
    files.map((_, index) => String(index + 1).padStart(4, "0")),
  );
});

describe.each(["postgres", "pglite"] as const)("migrating %s", (kind) => {
  test("runs every migration on an empty database, and then none", async () => {
    const database = await openEmptyDatabase(kind);
    expect(await migrate(database, MIGRATIONS_DIR)).toEqual(all);
    expect(await tablesOf(database)).toContain("mfa_change");
    expect(await migrate(database, MIGRATIONS_DIR)).toEqual([]);
  });

  // One database for several steps, because PGlite starts slowly.
  test("continues from an earlier schema and keeps its data, and a failure changes nothing", async () => {
    const database = await openEmptyDatabase(kind);
    const id = await recordInFirstSchema(database);
    const readRow = async () =>
      (await sql`select * from mfa_change where id = ${id}`.execute(database.db)).rows;
    const before = await readRow();
    expect(await migrate(database, await folderOf(files.length))).toEqual(all.slice(2));
    expect(await readRow()).toEqual([{ ...(before[0] as object), ...NOT_KNOWN_THEN }]);
    // The earlier sealed records still form a chain, and new records follow from them.
    const log = new ChangeStore({ database, replica: "replica-1" });
    const later = await log.begin(intentOf({ reason: "Phone lost" }), FRESH);
    await log.settle(later.id, APPLIED);
    const report = await atOneMoment(database.db, (moment) => verifyDatabase(moment, undefined));
    expect(report).toMatchObject({ records: 2, problem: undefined });
    expect(report.chains).toMatchObject([
      { chain: "legacy", last: 1 },
      { chain: "account:default", last: 1 },
      { chain: "gateway", last: 0 },
    ]);
    const kept = await log.find(id);
    // New fields of an earlier record cannot be filled in later.
    for (const [column, field] of [
      ["reason", "reason"],
      ["decision_reason", "decisionReason"],
      ["account", "account"],
    ] as const) {
      const rewrite = (value: string | null) =>
        rewriteRecord(database, async (db) => {
          await sql`update mfa_change set ${sql.ref(column)} = ${value} where id = ${id}`.execute(db);
        });
      await rewrite("made up");
      const { problem } = await atOneMoment(database.db, (moment) => verifyDatabase(moment, undefined));
      expect(problem?.reason).toBe(`its stored ${field} differs from the sealed content`);
      await rewrite(column === "account" ? "default" : null);
    }

    const tables = await tablesOf(database);
    await folderOf(0, {
      "9001_good": "create table good (id integer)\r\n-->\r\ncreate index good_by_id on good (id)\r\n",
      "9002_bad": "create table half (id integer);\n-->\nalter table mfa_change drop column nowhere\n",
      "9003_never": "create table never (id integer)",
    });
    await expect(migrate(database, dir)).rejects.toMatchObject({
      name: "DatabaseError",
      message: expect.stringMatching(/^The migration 9002_bad failed: .*"nowhere".* does not exist$/),
      cause: { code: "42703" },
    });
    expect(await tablesOf(database)).toEqual([...tables, "good"].sort());

    await folderOf(0, { "9002_bad": "create table half (id integer)" });
    expect(await migrate(database, dir)).toEqual(["9002_bad", "9003_never"]);
    expect(await log.find(id)).toEqual(kept);

    // A checkout may change the ends of lines. The checksum stays the same.
    await folderOf(0, { "9002_bad": "create table half (id integer)\r\n", "9004_more": "select 1" });
    await expect(migrate(database, dir)).rejects.toThrow(
      "was edited after it was run on this database (9002_bad)",
    );
    await folderOf(0, {
      "9001_good": "create table good (id integer)\n-->\ncreate index good_by_id on good (id)\n",
    });
    await folderOf(0, { "9002_bad": "create table half (id integer)" });
    expect(await migrate(database, dir)).toEqual(["9004_more"]);

    await folderOf(0, { "9003_a_late_one": "select 1" });
    await expect(migrate(database, dir)).rejects.toThrow(
      "The migration 9003_a_late_one was added before 9004_more, which has been run on this database already.",
    );
    await rm(join(dir, "9003_a_late_one.sql"));
    await rm(join(dir, "9002_bad.sql"));
    await expect(migrate(database, dir)).rejects.toThrow("migrated by files that are gone (9002_bad)");

    // The previous release starts on the expanded schema. It refuses a schema that is changed in another way.
    expect(await migrate(database, MIGRATIONS_DIR)).toEqual([]);
    await sql`insert into gateway_migration (name) values ('9005_contracted')`.execute(database.db);
    await expect(migrate(database, MIGRATIONS_DIR)).rejects.toThrow(
      "migrated by a later release (9005_contracted)",
    );
  });
});

/** The content of the columns that the first schema did not have. */
const NOT_KNOWN_THEN = {
  chain: null,
  chain_seq: null,
  policy_hash: null,
  policy_rules: null,
  rollout_id: null,
  rollout_item: null,
  rollout_attempt: null,
  plan_hash: null,
  rollout_needs_approval: null,
  account: "default",
  settle_order: null,
  read_backs: null,
  read_back_at: null,
  request_mac: null,
  request_key: null,
  caller_person: null,
  decided_by_person: null,
  reason: null,
  expires_at: null,
  decision: null,
  decided_at: null,
  decided_by_subject: null,
  decided_by_client: null,
  decided_by_issuer: null,
  decision_request_id: null,
  decision_reason: null,
  dispatch_order: null,
};

/** A sealed change of the first release, which recorded no checksums of migrations. */
async function recordInFirstSchema(database: Database): Promise<string> {
  expect(await migrate(database, await folderOf(2))).toEqual(all.slice(0, 2));
  await sql`alter table gateway_migration drop column checksum`.execute(database.db);
  const { rows } = await sql<{ id: string }>`
    select change_id as id from begin_change(
      '1', 'alice', 'portal', null, 'request-1', '{}', 'hash', null, '{}', '{}', 'replica-1', 1000, null, 0
    )`.execute(database.db);
  const id = rows[0]?.id ?? "";
  await sql`
    select settle_change(${id}, 'applied', 'REPLY', null, null, null, 'cam-1', 1, 0, true, 0)`.execute(
    database.db,
  );
  return id;
}

test("the first two migrations equal those of the first release", async () => {
  const first = (await readMigrations(MIGRATIONS_DIR)).slice(0, 2).map(({ checksum }) => checksum);
  expect(first).toEqual([
    "574c368262bf0ea95b33610f107e09c1b64d54a37bab63b346000e4760b1838d",
    "10d11736796ab01f6fa23a15ad16ca10d0148449ec47879d09c959f72fefaf7d",
  ]);
});

/** Two sealed changes of the release before 0008: an approved one, and one whose outcome took a read-back. */
async function recordBefore0008(database: Database): Promise<void> {
  await migrate(database, await folderOf(6));
  await sql`
    select begin_change(jsonb_build_object(
      'account', 'default', 'op_uin', uin, 'caller_subject', 'alice', 'caller_person', 'alice',
      'gateway_request_id', 'r', 'requested', '{}'::jsonb, 'request_hash', uin, 'before_image', '{}'::jsonb,
      'sent', '{}'::jsonb, 'replica', 'replica-1'
    ), 1000, approval_ms, 0, 0, null, 0) from (values ('1', 60000), ('2', null)) v (uin, approval_ms)`.execute(
    database.db,
  );
  await sql`
    select approve_change(id, 'bob', 'bob', null, null, 'r', null, '{}', '{}', 'replica-1', 1000, 0, 0, null, 0)
    from mfa_change where op_uin = '1'`.execute(database.db);
  await sql`
    select settle_change(id, 'unknown', null, null, null, null, null, 1, 0, true) from mfa_change where op_uin = '2'
  `.execute(database.db);
  await sql`
    select settle_change(id, 'applied', 'READ_BACK', null, null, null, 'cam-1', 1, 0, true)
    from mfa_change order by op_uin`.execute(database.db);
}

describe.each(["pglite", "postgres"] as const)("new names for recorded content, on %s", (kind) => {
  test("sealed content stays the same, and an earlier export verifies", async () => {
    const database = await openEmptyDatabase(kind);
    await recordBefore0008(database);
    const contents = async () => {
      const { rows } = await sql<{ sealed_content: string; content: string }>`
        select sealed_content, change_content(c) as content from mfa_change c order by seq`.execute(
        database.db,
      );
      return rows;
    };
    const before = await contents();
    expect(before.map(({ content }) => JSON.parse(content))).toMatchObject([
      { opUin: "1", decision: "approved", looks: 1 },
      { opUin: "2", looks: 2 },
    ]);
    const done = await migrate(database, MIGRATIONS_DIR);
    expect(done).toContain("0008_record_names");
    const file = join((await temporaryFolder()).path, "export.jsonl");
    await writeFile(file, (await Array.fromAsync(exportRecord(database.db))).join(""));
    expect(await contents()).toEqual(before);
    for (const { sealed_content, content } of before) expect(content).toBe(sealed_content);
    const report = await verifyDatabase(database.db, undefined);
    expect(report).toMatchObject({ records: 2, unsealed: 0, problem: undefined });
    expect(await verifyExport({ file, trustedKeys: undefined })).toMatchObject({
      ...{ records: 2, ends: report.ends, problem: undefined },
    });
    const { rows } = await sql`
      select dispatch_order > begun as sent_later, settle_order > begun as settled_later, read_backs
      from mfa_change order by seq`.execute(database.db);
    expect(rows).toEqual([
      { sent_later: true, settled_later: true, read_backs: 1 },
      { sent_later: null, settled_later: true, read_backs: 2 },
    ]);
  });
});

describe("on PostgreSQL", () => {
  test("a role that ran the functions before 0008 runs the renamed functions without a new grant", async () => {
    const url = await createTestPostgres({ empty: true });
    const owner = await openTestPostgres(url);
    await migrate(owner, await folderOf(6));
    const roleUrl = await createRole(url, (name) => [
      `create role ${name} login password 'change-me'`,
      `grant select on gateway_migration, mfa_change to ${name}`,
      `grant execute on function begin_change, settle_change, take_over_changes, change_now to ${name}`,
    ]);
    const role = await openTestPostgres(roleUrl);
    await migrate(owner, MIGRATIONS_DIR);
    const log = new ChangeStore({ database: role, replica: "replica-1" });
    const { id } = await log.begin(intentOf({ leaseMs: -1 }), FRESH);
    expect(await log.claim("default", 1, 1_000)).toMatchObject([{ id }]);
    expect(await log.settle(id, APPLIED)).toMatchObject({ sealed: true });
  });

  test.each([0, 2])(
    "if replicas migrate from schema %i at the same time, one replica runs each migration",
    async (from) => {
      const url = await createTestPostgres({ empty: true });
      const replicas = await Promise.all(Array.from({ length: 4 }, () => openTestPostgres(url)));
      if (from > 0 && replicas[0] !== undefined) await recordInFirstSchema(replicas[0]);
      const done = await Promise.all(replicas.map((database) => migrate(database, MIGRATIONS_DIR)));
      expect(done.flat().sort()).toEqual(all.slice(from));
    },
  );

  test("a migration has no time limit of a statement", async () => {
    const database = await openEmptyDatabase("postgres");
    await folderOf(0, {
      "0001_check": "create table timeout as select current_setting('statement_timeout') as of_migration",
    });
    await migrate(database, dir);
    const { rows } =
      await sql`select of_migration, current_setting('statement_timeout') as of_others from timeout`.execute(
        database.db,
      );
    expect(rows).toEqual([{ of_migration: "0", of_others: "5s" }]);
  });

  test("a role without the right to change the schema can start if the schema is up to date", async () => {
    const database = await openTestPostgres(await createGatewayRole(await createTestPostgres()));
    expect(await migrate(database, MIGRATIONS_DIR)).toEqual([]);
    const log = new ChangeStore({ database, replica: "replica-1" });
    const { id } = await log.begin(intentOf(), FRESH);
    expect(await log.settle(id, APPLIED)).toMatchObject({ sealed: true });
    expect(await log.claim("default", 1, 1_000)).toEqual([]);
    expect(await log.list({}, 10)).toHaveLength(1);
    for (const forbidden of [
      "alter table mfa_change disable trigger user",
      "truncate mfa_change",
      "delete from mfa_change",
      "update audit_checkpoint set hash = 'x'",
      "drop table mfa_change",
    ]) {
      await expect(sql.raw(forbidden).execute(database.db)).rejects.toMatchObject({ code: "42501" });
    }
    await folderOf(files.length, { "9001_more": "create table more (id integer)" });
    await expect(migrate(database, dir)).rejects.toThrow(
      /^The migration 9001_more failed: permission denied for .*\. This database user may not change the schema: let its owner run `npm run migrate` first \(docs\/operators\/database\.md\)\.$/,
    );
  });

  test("the names of expanding migrations are in a table that the release before 0009 does not read", async () => {
    const database = await openTestPostgres(await createTestPostgres({ empty: true }));
    await migrate(database, await folderOf(8, { "0009_new": "select 1", "0010_newer": "select 1" }));
    const namesIn = async (table: string) =>
      (await sql<{ name: string }>`select name from ${sql.ref(table)} order by name`.execute(database.db))
        .rows;
    expect(await namesIn("gateway_migration")).toEqual(all.slice(0, 8).map((name) => ({ name })));
    expect(await namesIn("gateway_expansion")).toEqual([{ name: "0009_new" }, { name: "0010_newer" }]);
  });

  test("the error for a role without its rights names the page that lists them", async () => {
    const url = new URL(await createTestPostgres());
    const owner = await openTestPostgres(url.href);
    const role = `gateway_${url.pathname.slice(-8)}`;
    await sql.raw(`create role ${role} login password 'low'`).execute(owner.db);
    url.username = role;
    url.password = "low";
    const database = await openTestPostgres(url.href);
    await expect(migrate(database, MIGRATIONS_DIR)).rejects.toMatchObject({
      name: "DatabaseError",
      message:
        "This database user may not read gateway_migration: give it its rights (docs/operators/database.md).",
    });
  });
});
