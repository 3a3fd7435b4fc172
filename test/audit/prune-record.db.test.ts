import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { beforeEach, describe, expect, test } from "vitest";
import { AccountRegister } from "../../src/audit/account-register.ts";
import { AuditEvents } from "../../src/audit/audit-events.ts";
import { CHECKPOINTS, type ChainHead, GATEWAY_CHAIN } from "../../src/audit/chain.ts";
import { ChainAnchors } from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { Checkpoint } from "../../src/audit/checkpoint.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import { exportRecord } from "../../src/audit/export-record.ts";
import {
  deletePruned,
  PruneRefusedError,
  planPrune,
  requireOwner,
  sealPrune,
} from "../../src/audit/prune-record.ts";
import { readPruned } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import { verifyExport } from "../../src/audit/verify-export.ts";
import type { RecordReport } from "../../src/audit/verify-record.ts";
import type { Database } from "../../src/database/database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import { openLegacyRecord } from "../support/legacy-record.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";
import { newSigningKey } from "./make-chain.ts";

const key = newSigningKey();
const trustedKeys = [key.encoded];
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);
const REFUSAL = { kind: "refusal" as const, subject: "mallory", details: { code: "FORBIDDEN" } };

let url: string;
let database: Database;
let clock: FakeClock;
let replica: AuditCheckpointer;
let altered: unknown[];

beforeEach(async () => {
  url = await createTestPostgres();
  database = await openTestPostgres(url);
  clock = new FakeClock(START_MS);
  altered = [];
  replica = await startReplica();
});

async function startReplica(on = database): Promise<AuditCheckpointer> {
  return new AuditCheckpointer({
    ...{ database: on, privateKey: key.privateKey, clock, intervalMs: 1 },
    anchors: await ChainAnchors.open({ file: undefined }),
    report: (event, fields) => {
      if (event !== "record.no_anchor") altered.push({ event, fields });
    },
  });
}

async function record(count: number, account = "default", on = database): Promise<void> {
  const log = new ChangeStore({ database: on, replica: "replica-1" });
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf({ account }), FRESH);
    await log.settle(id, APPLIED);
  }
}

/** Signs the record, a day after the last signature. */
async function sign(by = replica): Promise<Checkpoint> {
  await clock.advance(DAY_MS);
  const checkpoint = await by.checkpoint();
  if (checkpoint === undefined) throw new Error("Nothing was signed.");
  return checkpoint;
}

async function exported(on = database, since = 0): Promise<RecordReport> {
  const folder = await temporaryFolder();
  const file = join(folder.path, "record.jsonl");
  await writeFile(file, exportRecord(on.db, { since, shows: undefined }));
  return verifyExport({ file, trustedKeys });
}

function plan(day: number, report: RecordReport, on = database) {
  const before = new Date(START_MS + day * DAY_MS);
  return planPrune(on, { before, exported: report, trustedKeys });
}

async function prune(day: number, on = database): Promise<number> {
  const planned = await plan(day, await exported(on), on);
  if (planned === undefined) throw new Error("Nothing to prune.");
  await sealPrune(on, planned.checkpoint, "e".repeat(64));
  return deletePruned(on);
}

function verify(expected: readonly ChainHead[] = [], on = database): Promise<RecordReport> {
  return verifyDatabase(on.db, trustedKeys, expected);
}

function placeOf({ number, hash }: Checkpoint): ChainHead {
  return { chain: CHECKPOINTS, seq: number, hash };
}

async function noteAccounts(replicaName: string): Promise<void> {
  const settings = { endpoint: undefined, ratePerSecond: 20, settings: "the same" };
  const accounts = ["default", "prod"].map((name) => ({ name, ...settings }));
  await new AccountRegister(database, replicaName).note(accounts);
}

describe("a prune", () => {
  test("removes what was signed before a time, and the rest verifies, in the database and exported", async () => {
    const events = new AuditEvents(database);
    await noteAccounts("replica-1");
    await record(3);
    await record(2, "prod");
    const first = await sign();
    const old = await exported();
    await record(2);
    await events.record([REFUSAL]);
    await sign();
    await record(1, "later");
    expect(await prune(1.5)).toBe(7);
    const pruned = await readPruned(database.db);
    const seqOf = Object.fromEntries(pruned.map(({ chain, seq }) => [chain, seq]));
    expect(seqOf).toEqual({ "account:default": 3, "account:prod": 2, gateway: 2 });
    expect(await events.list({ kind: "pruned", account: "prod" }, 9)).toMatchObject([
      {
        details: {
          ...{ chain: "account:prod", from: 1, to: 2, checkpoint: 1, checkpointHash: first.hash },
          export: "e".repeat(64),
        },
      },
    ]);
    // Two changes, one refusal, three prunes and one later change are left.
    const places = [placeOf(first), ...old.ends];
    expect(await verify(places)).toMatchObject({ records: 7, problem: undefined, pruned });
    expect(await replica.checkpoint()).toMatchObject({ number: 3 });
    expect(await exported()).toMatchObject({ records: 7, problem: undefined, signed: { number: 3 } });
    expect(await exported(database, 1)).toMatchObject({ records: 7, problem: undefined });
    expect(await exported(database, 3)).toMatchObject({ records: 0, problem: undefined });
    // The events that named the accounts are gone, and the accounts are not new.
    await noteAccounts("replica-2");
    expect(await events.list({ kind: "account_added" }, 9)).toEqual([]);
    expect(altered).toEqual([]);
  });

  test("follows another one, whose events may go", async () => {
    await record(2);
    await sign();
    await prune(1.5);
    await record(2, "prod");
    await sign();
    expect(await prune(2.5)).toBe(3);
    expect(await readPruned(database.db)).toMatchObject([
      { chain: "account:default", seq: 2, checkpoint: 2 },
      { chain: "account:prod", seq: 2, checkpoint: 2 },
      { chain: GATEWAY_CHAIN, seq: 1, checkpoint: 2 },
    ]);
    expect(await verify()).toMatchObject({ problem: undefined });
    expect(await exported()).toMatchObject({ problem: undefined });
    expect(altered).toEqual([]);
  });

  test("of everything that is signed leaves a record that continues", async () => {
    await record(2);
    await sign();
    expect(await prune(9)).toBe(2);
    await record(1);
    expect(await sign()).toMatchObject({ number: 2 });
    // A replica that starts again has no anchor in memory.
    await record(1);
    expect(await sign(await startReplica())).toMatchObject({ number: 3 });
    expect(await verify()).toMatchObject({ records: 3, problem: undefined });
    expect(altered).toEqual([]);
  });

  test("includes the closed chain of earlier releases", async () => {
    const legacy = await openLegacyRecord(3);
    await record(1, "default", legacy);
    const one = await startReplica(legacy);
    await sign(one);
    await record(1, "default", legacy);
    expect(await prune(9, legacy)).toBe(4);
    expect(await verify([], legacy)).toMatchObject({ records: 3, problem: undefined });
    expect(await exported(legacy)).toMatchObject({ records: 3, problem: undefined });
    expect(await sign(one)).toMatchObject({ number: 2 });
    expect(altered).toEqual([]);
  });

  test("works on the built-in database", async () => {
    const built = await openTestDatabase("pglite");
    await requireOwner(built);
    await record(2, "default", built);
    await sign(await startReplica(built));
    await record(1, "default", built);
    expect(await prune(9, built)).toBe(2);
    expect(await verify([], built)).toMatchObject({ records: 2, problem: undefined });
  });

  test("that was interrupted verifies, and is finished by the next one", async () => {
    await record(5);
    await sign();
    await record(1);
    const planned = await plan(9, await exported());
    if (planned !== undefined) await sealPrune(database, planned.checkpoint, "e".repeat(64));
    expect(await verify()).toMatchObject({ records: 7, problem: undefined });
    await sql`select delete_pruned(2)`.execute(database.db);
    expect(await verify()).toMatchObject({ records: 5, problem: undefined });
    expect(await exported()).toMatchObject({ records: 2, problem: undefined });
    // A record that such a prune has left cannot hide an alteration.
    await rewriteRecord(database, async (db) => {
      await sql`update mfa_change set caller_subject = 'eve' where chain_seq = 4`.execute(db);
    });
    expect((await verify()).problem).toMatchObject({
      seq: 4,
      reason: expect.stringMatching(/callerSubject/),
    });
    expect(await deletePruned(database)).toBe(3);
    expect(await verify()).toMatchObject({ records: 2, problem: undefined });
    expect(await deletePruned(database)).toBe(0);
  });
});

describe("a prune is refused", () => {
  test("beyond the end of the export, and without all of the records", async () => {
    await record(2);
    await sign();
    const early = await exported();
    await record(2);
    await sign();
    await record(1);
    await sign();
    await expect(plan(9, early)).rejects.toThrow(/The export ends at checkpoint 1 of .+, and checkpoint 3 /);
    await expect(plan(9, await exported(database, 1))).rejects.toThrow(
      "The export lacks records of account:default: it begins at record 3, and records 1 to 5 would go.",
    );
    await expect(plan(9, { ...(await exported()), hidden: 1 })).rejects.toBeInstanceOf(PruneRefusedError);
    expect(await plan(1.5, early)).toMatchObject({
      parts: [{ chain: "account:default", from: 1, to: 2 }],
    });
    expect(await plan(0.5, early)).toBeUndefined();
  });

  test("beyond the signed end", async () => {
    await record(2);
    await expect(plan(9, await exported())).rejects.toThrow("No checkpoint in the export is signed.");
    await sign();
    await record(3);
    expect(await plan(9, await exported())).toMatchObject({
      parts: [{ chain: "account:default", from: 1, to: 2 }],
    });
  });

  test("for a record that was altered, or another one than the export", async () => {
    await record(2);
    await sign();
    const report = await exported();
    await rewriteRecord(database, async (db) => {
      await sql`update mfa_change set caller_subject = 'eve' where chain_seq = 1`.execute(db);
    });
    await expect(plan(9, report)).rejects.toThrow("its stored callerSubject differs");
    const other = await openTestDatabase("postgres");
    await record(2, "default", other);
    await sign(await startReplica(other));
    await expect(plan(9, report, other)).rejects.toThrow("another hash is known for that place");
  });

  test("for every role but the owner of the schema", async () => {
    await record(1);
    const { number, hash } = await sign();
    const role = await openTestPostgres(await createGatewayRole(url));
    await expect(requireOwner(role)).rejects.toThrow(
      /^Only the owner of the schema prunes the record: connect as \w+, and not as gateway_\w+\.$/,
    );
    await requireOwner(database);
    for (const statement of [
      sql`select seal_prune(${number}, ${hash}, 'x')`,
      sql`select delete_pruned(9)`,
      sql`delete from mfa_change`,
    ]) {
      await expect(statement.execute(role.db)).rejects.toMatchObject({ code: "42501" });
    }
  });

  test("by the database, for records that no sealed prune names", async () => {
    await record(2);
    await new AuditEvents(database).record([REFUSAL]);
    const { number, hash } = await sign();
    await new ChangeStore({ database, replica: "replica-1" }).begin(intentOf(), FRESH);
    for (const table of ["mfa_change", "audit_event"]) {
      await expect(sql`delete from ${sql.table(table)}`.execute(database.db)).rejects.toMatchObject({
        code: "23001",
      });
      await expect(sql`truncate ${sql.table(table)}`.execute(database.db)).rejects.toMatchObject({
        code: "23001",
      });
    }
    await expect(
      sql`select seal_prune(${number}, ${"a".repeat(64)}, 'x')`.execute(database.db),
    ).rejects.toMatchObject({ code: "P0002" });
    await sealPrune(database, { number, hash } as Checkpoint, "x");
    // Open changes, and events after the checkpoint.
    for (const where of [sql`from mfa_change where hash is null`, sql`from audit_event`]) {
      await expect(sql`delete ${where}`.execute(database.db)).rejects.toMatchObject({ code: "23001" });
    }
    expect(await deletePruned(database)).toBe(3);
  });
});

test("records that the owner deletes with a forged prune show", async () => {
  await record(4);
  await sign();
  await rewriteRecord(database, async (db) => {
    const { rows } = await sql<{ hash: string }>`
      select hash from mfa_change where chain_seq = 3`.execute(db);
    const details = { chain: "account:default", from: 1, to: 3, hash: rows[0]?.hash, checkpoint: 1 };
    await sql`select record_event(${JSON.stringify({ kind: "pruned", details })}::jsonb)`.execute(db);
    await sql`delete from mfa_change where chain_seq <= 3`.execute(db);
  });
  expect((await verify()).problem).toMatchObject({
    ...{ chain: "account:default", seq: 3 },
    reason: "it was pruned with the records before it, and no valid checkpoint names it",
  });
});
