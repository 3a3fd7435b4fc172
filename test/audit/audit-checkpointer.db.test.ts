import { sql } from "kysely";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { AuditCheckpointer, type CheckpointObserver } from "../../src/audit/audit-checkpointer.ts";
import type { ChainProblem } from "../../src/audit/chain.ts";
import { ChangeLog } from "../../src/audit/change-log.ts";
import { type Checkpoint, isSignedAsItSays } from "../../src/audit/checkpoint.ts";
import { readCheckpoints } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";
import { newSigningKey, type SigningKey } from "./make-chain.ts";

const INTERVAL_MS = 60_000;
const key = newSigningKey();
let clock: FakeClock;
let broken: ChainProblem[];
let errors: unknown[];
let signed: ReturnType<typeof signals<Checkpoint>>;

beforeEach(() => {
  clock = new FakeClock();
  broken = [];
  errors = [];
  signed = signals();
});

/** What was reported, to be waited for one after the other. */
function signals<Value>() {
  const waiting: ((value: Value) => void)[] = [];
  const come: Value[] = [];
  return {
    come,
    push: (value: Value) => {
      come.push(value);
      waiting.shift()?.(value);
    },
    next: () => new Promise<Value>((resolve) => waiting.push(resolve)),
  };
}

function checkpointer(database: Database, by: SigningKey = key): AuditCheckpointer {
  const observer: CheckpointObserver = {
    onSigned: (checkpoint) => signed.push(checkpoint),
    onBroken: (problem) => broken.push(problem),
    onError: (error) => errors.push(error),
  };
  return new AuditCheckpointer({
    database,
    privateKey: by.privateKey,
    clock,
    intervalMs: INTERVAL_MS,
    observer,
  });
}

async function record(database: Database, count = 1): Promise<void> {
  const log = new ChangeLog({ database, replica: "replica-1" });
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
  }
}

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  test("it signs where the chain is, once for each new end, and the signatures verify", async () => {
    const database = await openTestDatabase(kind);
    const one = checkpointer(database);
    expect(await one.checkpoint()).toBeUndefined();
    await record(database, 3);
    const checkpoint = await one.checkpoint();
    expect(checkpoint).toMatchObject({
      seq: 3,
      signedAt: new Date(clock.now()).toISOString(),
      publicKey: key.encoded,
    });
    expect(checkpoint && isSignedAsItSays(checkpoint)).toBe(true);
    expect(await one.checkpoint()).toBeUndefined();
    await record(database, 2);
    expect(await one.checkpoint()).toMatchObject({ seq: 5 });
    expect((await readCheckpoints(database.db, 0)).map(({ seq }) => seq)).toEqual([3, 5]);
    expect(await verifyDatabase(database.db, [key.encoded])).toMatchObject({
      signed: { seq: 5 },
      problem: undefined,
    });
    expect(broken).toEqual([]);
  });
});

describe("on PostgreSQL", () => {
  test("several replicas at once leave one checkpoint", async () => {
    const url = await createTestPostgres();
    const replicas = [await openTestPostgres(url), await openTestPostgres(url), await openTestPostgres(url)];
    const [first] = replicas;
    for (let round = 1; round <= 10; round++) {
      if (first) await record(first);
      const made = await Promise.all(replicas.map((database) => checkpointer(database).checkpoint()));
      expect(made.filter((checkpoint) => checkpoint !== undefined)).toHaveLength(1);
    }
    expect(await readCheckpoints(replicas[0]?.db as Database["db"], 0)).toHaveLength(10);
    expect([broken, errors]).toEqual([[], []]);
  });

  test("a new key goes on where the old one ended", async () => {
    const database = await openTestDatabase("postgres");
    const next = newSigningKey();
    await record(database);
    await checkpointer(database).checkpoint();
    await record(database);
    expect(await checkpointer(database, next).checkpoint()).toMatchObject({
      seq: 2,
      publicKey: next.encoded,
    });
    const both = [key.encoded, next.encoded];
    expect(await verifyDatabase(database.db, both)).toMatchObject({ signed: { seq: 2 }, problem: undefined });
  });

  test.each([
    [
      "a record since was altered",
      "update mfa_change set sealed_content = '{}' where seq = 3",
      /hash is not that/,
    ],
    [
      "the last record that was signed was sealed anew",
      "update mfa_change set previous_hash = repeat('a', 64) where seq = 3",
      /^what came up to record 2 was rewritten/,
    ],
    [
      "records that were signed are gone from the end",
      "update audit_chain set seq = 1",
      /is said to end at 1/,
    ],
    [
      "the end is another than was signed",
      "update audit_chain set seq = 2, hash = repeat('a', 64)",
      /^what came up to record 2 was rewritten/,
    ],
    ["the checkpoint was forged", "update audit_checkpoint set hash = repeat('a', 64)", /no valid signature/],
  ])("it signs nothing and says so where %s", async (_, how, reason) => {
    const database = await openTestDatabase("postgres");
    await record(database, 2);
    const one = checkpointer(database);
    await one.checkpoint();
    await record(database);
    await rewriteRecord(database, async (db) => {
      await sql.raw(how).execute(db);
    });
    expect(await one.checkpoint()).toBeUndefined();
    expect(broken).toEqual([expect.objectContaining({ reason: expect.stringMatching(reason) })]);
    expect(await readCheckpoints(database.db, 0)).toHaveLength(1);
  });

  test("it goes on by itself at every interval, whatever goes wrong, until it is stopped", async () => {
    const database = await openTestDatabase("postgres");
    const one = checkpointer(database);
    await record(database);
    const first = signed.next();
    one.start();
    onTestFinished(() => one.stop());
    expect(await first).toMatchObject({ seq: 1 });

    await sql`alter table audit_checkpoint rename to hidden`.execute(database.db);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await clock.advance(INTERVAL_MS);
    await expect.poll(() => errors).toEqual([expect.objectContaining({ code: "42P01" })]);
    await sql`alter table hidden rename to audit_checkpoint`.execute(database.db);

    await record(database);
    const second = signed.next();
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await clock.advance(INTERVAL_MS);
    expect(await second).toMatchObject({ seq: 2 });

    await one.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
