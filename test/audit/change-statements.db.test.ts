import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import type { ChangeIntent } from "../../src/audit/change-record.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { APPLIED, FRESH, intentOf, newUin, OLD, UNKNOWN } from "./intent-of.ts";

const REFUSED = { ...APPLIED, status: "refused", code: "USER_NOT_BIND_PHONE" } as const;

/** Begins changes at the same time, which share a statement. */
function beginAll(log: ChangeStore, intents: readonly Partial<ChangeIntent>[]) {
  return Promise.all(intents.map((intent) => log.begin(intentOf(intent), FRESH)));
}

const accounts = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => ({ account: `${prefix}-${index}` }));

describe.each(["postgres", "pglite"] as const)("changes that come together on %s", (kind) => {
  let database: Database;
  let log: ChangeStore;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeStore({ database, replica: "replica-1" });
  });

  test("begin and are settled in statements of their own, and the record verifies", async () => {
    const intents = accounts(6, "batch").map((intent) => ({ ...intent, opUin: newUin() }));
    const begun = await beginAll(log, intents);
    expect(begun.map(({ kind: verdict }) => verdict)).toEqual(intents.map(() => "BEGUN"));
    expect(new Set(begun.map(({ id }) => id)).size).toBe(6);
    const outcomes = [APPLIED, APPLIED, REFUSED, UNKNOWN, APPLIED, APPLIED];
    const settled = await Promise.all(begun.map(({ id }, at) => log.settle(id, outcomes[at] ?? APPLIED)));
    expect(settled.map((one) => one?.sealed)).toEqual([true, true, true, false, true, true]);
    for (const [at, { id }] of begun.entries()) {
      expect(await log.find(id)).toMatchObject({
        ...{ ...intents[at], status: outcomes[at]?.status, code: outcomes[at]?.code },
        ...{ reason: "The phone was lost.", replica: "replica-1", quotaWaitMs: at === 3 ? 0 : 12 },
        seq: at === 3 ? undefined : "1",
      });
    }
    const { rows } = await sql<{ source: string | null; login_methods: number | null }>`
      select source, login_methods from directory_user where account like 'batch-%' order by account`.execute(
      database.db,
    );
    expect(rows).toEqual([0, 1, 4, 5].map(() => ({ source: "CHANGE", login_methods: 1 })));
    expect(await verifyDatabase(database.db, [])).toMatchObject({ problem: undefined });
  });

  test("two changes of one account follow each other in its chain", async () => {
    const begun = await beginAll(log, [{}, { account: "twice" }, { account: "twice" }, { account: "twice" }]);
    await Promise.all(begun.map(({ id }) => log.settle(id, APPLIED)));
    const places = await Promise.all(begun.slice(1).map(async ({ id }) => (await log.find(id))?.seq));
    expect(places.toSorted()).toEqual(["1", "2", "3"]);
    expect(await verifyDatabase(database.db, [])).toMatchObject({ problem: undefined });
  });

  test("get the verdict that each would get alone", async () => {
    const [open, applied, keyed] = [newUin(), newUin(), newUin()];
    const { id: openId } = await log.begin(intentOf({ opUin: open }), FRESH);
    const { id: appliedId } = await log.begin(intentOf({ opUin: applied }), FRESH);
    await log.settle(appliedId, APPLIED);
    const { id: keyedId } = await log.begin(intentOf({ opUin: keyed, idempotencyKey: "used" }), FRESH);
    const sameUser = newUin();
    const verdicts = await beginAll(log, [
      {},
      { opUin: open },
      { opUin: open, requestHash: "hash-b" },
      { opUin: applied },
      { idempotencyKey: "used", requestHash: "hash-b" },
      { opUin: keyed, idempotencyKey: "used" },
      { opUin: sameUser, requestHash: "hash-1" },
      { opUin: sameUser, requestHash: "hash-2" },
      { idempotencyKey: "new", requestHash: "hash-1" },
      { idempotencyKey: "new", requestHash: "hash-2" },
      {},
    ]);
    const [, , , , , , first, , key, , last] = verdicts;
    expect(verdicts.slice(1)).toEqual([
      { kind: "JOIN", id: openId },
      { kind: "BUSY", id: openId },
      { kind: "STALE", id: appliedId },
      { kind: "KEY_REUSED", id: keyedId },
      { kind: "REPLAY", id: keyedId },
      { kind: "BEGUN", id: first?.id },
      { kind: "BUSY", id: first?.id },
      { kind: "BEGUN", id: key?.id },
      { kind: "KEY_REUSED", id: key?.id },
      { kind: "BEGUN", id: last?.id },
    ]);
  });

  test("begin together again if their before-images include the recent writes", async () => {
    const intents = accounts(4, "again").map((intent) => ({ ...intent, opUin: newUin() }));
    const begun = await beginAll(log, intents);
    const settled = await Promise.all(begun.map(({ id }) => log.settle(id, APPLIED)));
    const again = await Promise.all(
      intents.map((intent, at) => {
        // The third before-image lacks the recent write.
        const known = at === 2 ? undefined : settled[at]?.settleOrder;
        return log.begin(intentOf({ ...intent, requestHash: "hash-b" }), {
          lastSettleOrder: known,
          ageMs: 0,
        });
      }),
    );
    const ids = again.map(({ id }) => id);
    expect(again).toEqual([
      { kind: "BEGUN", id: ids[0] },
      { kind: "BEGUN", id: ids[1] },
      { kind: "STALE", id: begun[2]?.id },
      { kind: "BEGUN", id: ids[3] },
    ]);
  });

  test("a change that cannot be recorded fails alone", async () => {
    const faulty = { reason: "half \0 a text" };
    const outcomes = await Promise.allSettled(
      [{}, {}, faulty, {}].map((intent) => log.begin(intentOf(intent), FRESH)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  });

  test("a change that is sealed or missing is settled as it would be alone, next to others", async () => {
    const begun = await beginAll(log, accounts(3, "next"));
    const ids = begun.map(({ id }) => id);
    await log.settle(ids[0] ?? "", APPLIED);
    const missing = "0199aaaa-0000-7000-8000-000000000000";
    const outcomes = await Promise.allSettled(
      [ids[1] ?? "", ids[0] ?? "", missing, ids[2] ?? ""].map((id) => log.settle(id, REFUSED)),
    );
    expect(outcomes).toEqual([
      { status: "fulfilled", value: expect.objectContaining({ sealed: true }) },
      { status: "fulfilled", value: undefined },
      { status: "rejected", reason: expect.objectContaining({ code: "P0002" }) },
      { status: "fulfilled", value: expect.objectContaining({ sealed: true }) },
    ]);
    expect(await log.find(ids[0] ?? "")).toMatchObject({ status: "applied" });
  });

  test("the bulk guard counts a batch exactly and pauses the caller once", async () => {
    const guarded = new ChangeStore({
      database,
      replica: "replica-1",
      guard: { users: 5, withinMs: 600_000 },
    });
    const caller = { subject: "bulk", client: undefined, issuer: "https://issuer.example" };
    const verdicts = await beginAll(
      guarded,
      Array.from({ length: 9 }, (_, at) => ({ caller, account: `guarded-${at % 3}` })),
    );
    const counts = Object.groupBy(verdicts, ({ kind: verdict }) => verdict);
    expect([counts.BEGUN?.length, counts.PAUSES?.length, counts.PAUSED?.length]).toEqual([5, 1, 3]);
    const other = { ...caller, subject: "calm" };
    const calm = await beginAll(
      guarded,
      Array.from({ length: 4 }, () => ({ caller: other })),
    );
    expect(calm.map(({ kind: verdict }) => verdict)).toEqual(calm.map(() => "BEGUN"));
    const { rows } = await sql<{ users: number }>`
      select users from caller_account where subject = 'calm'`.execute(database.db);
    expect(rows).toEqual([{ users: 4 }]);
  });
});

describe("two replicas on PostgreSQL", () => {
  test("settle changes of the same accounts and users at the same time without waiting in a circle", async () => {
    const url = await createTestPostgres();
    const databases = await Promise.all([1, 2].map(() => openTestPostgres(url)));
    const logs = databases.map((database, at) => new ChangeStore({ database, replica: `replica-${at}` }));
    for (let round = 0; round < 10; round++) {
      // Each user exists in two accounts, and each replica changes one of them.
      const users = Array.from({ length: 12 }, newUin);
      await Promise.all(
        logs.map(async (log, replica) => {
          const mine = users.map((opUin, at) => ({ opUin, account: `shared-${(at + replica) % 12}` }));
          const inOrder = replica === 0 ? mine : mine.toReversed();
          const begun = await Promise.all(inOrder.map((intent) => log.begin(intentOf(intent), OLD)));
          const settled = await Promise.all(begun.map(({ id }) => log.settle(id, APPLIED)));
          expect(settled.map((one) => one?.sealed)).toEqual(begun.map(() => true));
        }),
      );
    }
    const report = await verifyDatabase(databases[0]?.db as Database["db"], []);
    expect(report).toMatchObject({ problem: undefined, records: 240 });
  });

  test("a locked user holds up no other", async () => {
    const url = await createTestPostgres();
    const [database, other] = await Promise.all([openTestPostgres(url), openTestPostgres(url)]);
    const log = new ChangeStore({ database, replica: "replica-1" });
    const locked = newUin();
    const { id } = await log.begin(intentOf({ opUin: locked, account: "locked" }), FRESH);
    const { promise: unlock, resolve: release } = Promise.withResolvers<void>();
    const { promise: isLocked, resolve: lock } = Promise.withResolvers<void>();
    const holder = other.db.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`user ${locked}`}, 0))`.execute(trx);
      lock();
      await unlock;
    });
    await isLocked;
    const waiting = log.begin(intentOf({ opUin: locked, account: "elsewhere" }), FRESH);
    const settling = log.settle(id, APPLIED);
    const free = await beginAll(log, accounts(5, "free"));
    const settled = await Promise.all(free.map((begun) => log.settle(begun.id, APPLIED)));
    expect(settled.map((one) => one?.sealed)).toEqual(free.map(() => true));
    expect(await log.find(id)).toMatchObject({ status: "pending" });
    release();
    await holder;
    expect(await waiting).toMatchObject({ kind: "BEGUN" });
    expect(await settling).toMatchObject({ sealed: true });
  });
});
