import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import type { ChangeIntent, ChangeSettlement } from "../../src/audit/change-record.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { APPLIED, FRESH, intentOf, newUin, OLD, UNKNOWN } from "./intent-of.ts";

const REFUSED: ChangeSettlement = { status: "refused", code: "X", attempts: 1, quotaWaitMs: 0 };

const DAY_MS = 24 * 60 * 60 * 1_000;

describe.each(["postgres", "pglite"] as const)("begin on %s", (kind) => {
  let database: Database;
  let log: ChangeStore;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeStore({ database, replica: "replica-1" });
  });

  async function begun(intent: ChangeIntent): Promise<string> {
    const verdict = await log.begin(intent, FRESH);
    expect(verdict.kind).toBe("BEGUN");
    return verdict.id;
  }

  /** A change with the given outcome, and its settlement. */
  async function settled(
    intent: ChangeIntent,
    settlement: ChangeSettlement,
    known?: number,
  ): Promise<{ readonly id: string; readonly settleOrder: number | undefined }> {
    const { kind: verdict, id } = await log.begin(intent, { lastSettleOrder: known, ageMs: 0 });
    expect(verdict).toBe("BEGUN");
    return { id, settleOrder: (await log.settle(id, settlement))?.settleOrder };
  }

  /** A change that was begun and applied the given time ago. */
  async function appliedAgo(intent: ChangeIntent, ms: number): Promise<string> {
    const id = await begun(intent);
    await log.settle(id, APPLIED);
    await backdate(id, ms);
    return id;
  }

  function backdate(id: string, ms: number): Promise<void> {
    return rewriteRecord(database, async (db) => {
      const by = sql`make_interval(secs => ${ms / 1_000})`;
      await sql`
        update mfa_change set created_at = created_at - ${by}, finished_at = finished_at - ${by} where id = ${id}
      `.execute(db);
    });
  }

  test("an intent is recorded unchanged", async () => {
    const intent = intentOf({ idempotencyKey: "as-given" });
    const id = await begun(intent);
    const { leaseMs: _, idempotencyKey: __, ...given } = intent;
    const record = await log.find(id);
    expect(record).toEqual({
      ...given,
      id,
      status: "pending",
      approval: undefined,
      attempts: 0,
      quotaWaitMs: 0,
      replica: "replica-1",
      createdAt: expect.any(Date),
      finishedAt: undefined,
      seq: undefined,
      resolvedBy: undefined,
      code: undefined,
      camCode: undefined,
      camAction: undefined,
      camRequestId: undefined,
    });
  });

  test("a caller with only a subject is recorded without client and issuer", async () => {
    const caller = { subject: "local", client: undefined, issuer: undefined };
    const id = await begun(intentOf({ caller }));
    expect((await log.find(id))?.caller).toEqual(caller);
  });

  test("ids are UUIDs of version 7, with the database's time", async () => {
    const id = await begun(intentOf());
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const { rows } = await sql`
      select begun is not null as counted,
        floor(extract(epoch from created_at) * 1000) - ('x0000' || substr(replace(id::text, '-', ''), 1, 12))::bit(64)::bigint
          between 0 and 60000 as as_created
      from mfa_change where id = ${id}`.execute(database.db);
    expect(rows).toEqual([{ counted: true, as_created: true }]);
  });

  test("changes are numbered in the order in which they begin, even within one tick of the clock", async () => {
    const ids: string[] = [];
    const caller = { subject: `counted-${newUin()}`, client: undefined, issuer: undefined };
    for (let i = 0; i < 30; i++) ids.unshift(await begun(intentOf({ caller })));
    const listed = await log.list({ callerSubject: caller.subject }, 100);
    expect(listed.map(({ id }) => id)).toEqual(ids);
  });

  describe("while a change of the user is open", () => {
    test("the same request of any caller joins it", async () => {
      const intent = intentOf();
      const id = await begun(intent);
      const another = { ...intent, caller: { subject: "bob", client: undefined, issuer: undefined } };
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "JOIN", id });
      expect(await log.begin(another, FRESH)).toEqual({ kind: "JOIN", id });
    });

    test("the same request with an idempotency key waits, so that the key has a record of its own", async () => {
      const intent = intentOf();
      const id = await begun(intent);
      const keyed = { ...intent, idempotencyKey: "key" };
      expect(await log.begin(keyed, FRESH)).toEqual({ kind: "BUSY", id });
      const settlement = await log.settle(id, APPLIED);
      const verdict = await log.begin(keyed, { lastSettleOrder: settlement?.settleOrder, ageMs: 0 });
      expect(verdict.kind).toBe("BEGUN");
      expect(await log.findByIdempotencyKey(intent.caller, "key")).toMatchObject({ id: verdict.id });
    });

    test("another request finds the user busy, even with a new before-image", async () => {
      const intent = intentOf();
      const id = await begun(intent);
      const other = { ...intent, requestHash: "hash-b" };
      expect(await log.begin(other, FRESH)).toEqual({ kind: "BUSY", id });
    });

    test("a change whose lease is over blocks other changes until a replica claims and settles it", async () => {
      const intent = intentOf({ leaseMs: -1 });
      const id = await begun(intent);
      expect(await log.begin({ ...intent, requestHash: "hash-b" }, FRESH)).toEqual({ kind: "BUSY", id });
    });

    test("other users are free", async () => {
      await begun(intentOf());
      await begun(intentOf());
    });
  });

  describe("after a write of the user", () => {
    const cases: readonly {
      readonly title: string;
      readonly endedAgoMs: number;
      readonly composedWith: boolean;
      readonly ageMs: number;
      readonly verdict: "BEGUN" | "STALE";
    }[] = [
      {
        title: "a change that was composed without a write of a moment ago",
        ...{ endedAgoMs: 0, composedWith: false, ageMs: 0, verdict: "STALE" },
      },
      {
        title: "a change that was composed without a write of 59 seconds ago",
        ...{ endedAgoMs: 59_000, composedWith: false, ageMs: 0, verdict: "STALE" },
      },
      {
        title: "a change that was composed without a write of 61 seconds ago",
        ...{ endedAgoMs: 61_000, composedWith: false, ageMs: 0, verdict: "BEGUN" },
      },
      {
        title: "an old before-image without a write from less than a minute before it",
        ...{ endedAgoMs: 80_000, composedWith: false, ageMs: 25_000, verdict: "STALE" },
      },
      {
        title: "an old before-image without a write from more than a minute before it",
        ...{ endedAgoMs: 90_000, composedWith: false, ageMs: 25_000, verdict: "BEGUN" },
      },
      {
        title: "a change that was composed with the write and an old before-image",
        ...{ endedAgoMs: 0, composedWith: true, ageMs: 50_000, verdict: "BEGUN" },
      },
      {
        title: "a change that was composed with a write dated an hour ahead, before the clock was set back,",
        ...{ endedAgoMs: -3_600_000, composedWith: true, ageMs: 0, verdict: "BEGUN" },
      },
      {
        title: "a change that was composed without a write dated an hour ahead",
        ...{ endedAgoMs: -3_600_000, composedWith: false, ageMs: 0, verdict: "STALE" },
      },
    ];
    test.each(cases)("$title is $verdict", async ({ endedAgoMs, composedWith, ageMs, verdict }) => {
      const opUin = newUin();
      const { id, settleOrder } = await settled(intentOf({ opUin }), APPLIED);
      await backdate(id, endedAgoMs);
      const next = intentOf({ opUin, requestHash: "hash-b" });
      const given = await log.begin(next, { lastSettleOrder: composedWith ? settleOrder : undefined, ageMs });
      expect(given).toEqual({ kind: verdict, id: verdict === "STALE" ? id : expect.any(String) });
    });

    test("the latest settlement counts, even if its time is earlier", async () => {
      const opUin = newUin();
      const first = await settled(intentOf({ opUin }), APPLIED);
      const second = await settled(intentOf({ opUin }), APPLIED, first.settleOrder);
      // The clock was set back between the two.
      await backdate(first.id, -600_000);
      const next = intentOf({ opUin });
      expect(await log.begin(next, { lastSettleOrder: first.settleOrder, ageMs: 0 })).toEqual({
        kind: "STALE",
        id: second.id,
      });
      expect((await log.begin(next, { lastSettleOrder: second.settleOrder, ageMs: 0 })).kind).toBe("BEGUN");
    });

    test("a refused write makes no before-image stale", async () => {
      const opUin = newUin();
      await settled(intentOf({ opUin }), REFUSED);
      await begun(intentOf({ opUin }));
      expect(await log.recentWrites("default", opUin)).toEqual([]);
    });

    test("a write of unknown outcome makes before-images stale, then again when its outcome is known, and blocks no change", async () => {
      const opUin = newUin();
      const unknown = await settled(intentOf({ opUin }), UNKNOWN);
      expect(await log.begin(intentOf({ opUin }), FRESH)).toEqual({ kind: "STALE", id: unknown.id });
      const next = await settled(intentOf({ opUin }), REFUSED, unknown.settleOrder);
      expect(next.id).not.toBe(unknown.id);
      const applied = await log.settle(unknown.id, { ...APPLIED, resolvedBy: "READ_BACK", readBack: true });
      const known = { lastSettleOrder: unknown.settleOrder, ageMs: 0 };
      expect(await log.begin(intentOf({ opUin }), known)).toEqual({ kind: "STALE", id: unknown.id });
      const again = { lastSettleOrder: applied?.settleOrder, ageMs: 0 };
      expect((await log.begin(intentOf({ opUin }), again)).kind).toBe("BEGUN");
    });

    test("the recent writes are listed in dispatch order, with their flags", async () => {
      const opUin = newUin();
      const old = await settled(intentOf({ opUin }), APPLIED);
      await backdate(old.id, 61_000);
      const first = await settled(intentOf({ opUin }), UNKNOWN);
      const sent = { login: { phone: false, stoken: true, wechat: false } };
      const second = await settled(intentOf({ opUin, sent }), APPLIED, first.settleOrder);
      await log.settle(first.id, { ...UNKNOWN, readBack: true });
      const { before } = intentOf();
      expect(await log.recentWrites("default", opUin)).toEqual([
        {
          ...{ changeId: first.id, status: "unknown", before, sent: intentOf().sent },
          ...{ finishedAt: expect.any(Date), settleOrder: first.settleOrder, ageMs: expect.any(Number) },
        },
        {
          ...{ changeId: second.id, status: "applied", before, sent },
          ...{ finishedAt: expect.any(Date), settleOrder: second.settleOrder, ageMs: expect.any(Number) },
        },
      ]);
      for (const { ageMs } of await log.recentWrites("default", opUin)) {
        expect(ageMs).toBeGreaterThanOrEqual(0);
        expect(ageMs).toBeLessThan(60_000);
      }
    });

    test("an outcome that became known late is not listed before a later write of more than a minute ago", async () => {
      const opUin = newUin();
      const late = await settled(intentOf({ opUin }), UNKNOWN);
      const later = await settled(intentOf({ opUin }), APPLIED, late.settleOrder);
      await backdate(later.id, 70_000);
      await log.settle(late.id, { ...APPLIED, resolvedBy: "READ_BACK", readBack: true });
      expect(await log.recentWrites("default", opUin)).toEqual([]);
      const alone = newUin();
      const other = await settled(intentOf({ opUin: alone }), UNKNOWN);
      await backdate(other.id, 70_000);
      await log.settle(other.id, { ...APPLIED, resolvedBy: "READ_BACK", readBack: true });
      expect(await log.recentWrites("default", alone)).toMatchObject([{ changeId: other.id }]);
    });
  });

  describe("with an idempotency key", () => {
    test("the same request is replayed while it is open and after it ends, even after other changes", async () => {
      const intent = intentOf({ idempotencyKey: "k1" });
      const id = await begun(intent);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
      const settlement = await log.settle(id, APPLIED);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
      await begunAfter(intent.opUin, settlement?.settleOrder);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
    });

    test("another request gets KEY_REUSED, also for another user", async () => {
      const intent = intentOf({ idempotencyKey: "k2" });
      const id = await begun(intent);
      const other = { ...intent, requestHash: "hash-b" };
      expect(await log.begin(other, FRESH)).toEqual({ kind: "KEY_REUSED", id });
      expect(await log.begin({ ...other, opUin: newUin() }, FRESH)).toEqual({ kind: "KEY_REUSED", id });
    });

    test("callers do not share keys", async () => {
      await begun(intentOf({ idempotencyKey: "k3" }));
      const bob = { subject: "bob", client: undefined, issuer: undefined };
      await begun(intentOf({ idempotencyKey: "k3", caller: bob }));
    });

    test("two callers of one name with different issuers are two callers", async () => {
      const intent = intentOf({ idempotencyKey: "k5" });
      await begun(intent);
      const caller = { ...intent.caller, issuer: "https://other.example" };
      await begun(intentOf({ idempotencyKey: "k5", caller }));
      expect(
        await log.findByIdempotencyKey({ ...caller, issuer: "https://third.example" }, "k5"),
      ).toBeUndefined();
    });

    test("a key is valid for 24 hours", async () => {
      const intent = intentOf({ idempotencyKey: "k4" });
      const id = await appliedAgo(intent, DAY_MS - 60_000);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
      await backdate(id, 120_000);
      const again = await log.begin(intent, FRESH);
      expect(again).toEqual({ kind: "BEGUN", id: expect.not.stringMatching(id) });
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id: again.id });
    });

    async function begunAfter(opUin: ChangeIntent["opUin"], known: number | undefined): Promise<void> {
      const verdict = await log.begin(intentOf({ opUin, requestHash: "hash-c" }), {
        lastSettleOrder: known,
        ageMs: 0,
      });
      expect(verdict.kind).toBe("BEGUN");
    }
  });
});

describe("two replicas on PostgreSQL", () => {
  async function twoReplicas(): Promise<readonly [ChangeStore, ChangeStore]> {
    const url = await createTestPostgres();
    const [first, second] = [await openTestPostgres(url), await openTestPostgres(url)];
    return [
      new ChangeStore({ database: first, replica: "replica-1" }),
      new ChangeStore({ database: second, replica: "replica-2" }),
    ];
  }

  test("of different changes of one user at the same time, exactly one begins", async () => {
    const [one, two] = await twoReplicas();
    for (let round = 0; round < 100; round++) {
      const opUin = newUin();
      const verdicts = await Promise.all(
        [one, two, one, two].map((log, index) =>
          log.begin(intentOf({ opUin, requestHash: `hash-${index}` }), FRESH),
        ),
      );
      const winner = verdicts.find(({ kind }) => kind === "BEGUN");
      expect(verdicts.filter((verdict) => verdict !== winner)).toEqual(
        Array.from({ length: 3 }, () => ({ kind: "BUSY", id: winner?.id })),
      );
    }
  });

  test("of equal changes at the same time, one begins, and the others join it", async () => {
    const [one, two] = await twoReplicas();
    for (let round = 0; round < 50; round++) {
      const intent = intentOf();
      const verdicts = await Promise.all([one.begin(intent, FRESH), two.begin(intent, FRESH)]);
      expect(verdicts.map(({ kind }) => kind).sort()).toEqual(["BEGUN", "JOIN"]);
      expect(new Set(verdicts.map(({ id }) => id)).size).toBe(1);
    }
  });

  test("of two changes with one key for two users at the same time, one begins", async () => {
    const [one, two] = await twoReplicas();
    for (let round = 0; round < 50; round++) {
      const idempotencyKey = `race-${round}`;
      const verdicts = await Promise.all([
        one.begin(intentOf({ idempotencyKey, requestHash: "hash-a" }), FRESH),
        two.begin(intentOf({ idempotencyKey, requestHash: "hash-b" }), FRESH),
      ]);
      expect(verdicts.map(({ kind }) => kind).sort()).toEqual(["BEGUN", "KEY_REUSED"]);
    }
  });

  test("a change that ends while another waits to begin makes the waiting one stale", async () => {
    const [one, two] = await twoReplicas();
    for (let round = 0; round < 50; round++) {
      const opUin = newUin();
      const { id } = await one.begin(intentOf({ opUin }), FRESH);
      const [, verdict] = await Promise.all([
        one.settle(id, APPLIED),
        two.begin(intentOf({ opUin, requestHash: "hash-b" }), OLD),
      ]);
      expect(["BUSY", "STALE"]).toContain(verdict.kind);
      expect(verdict.id).toBe(id);
    }
  });

  test("begin refuses an isolation level that would hide the latest commits", async () => {
    const database = await openTestDatabase("postgres");
    const begin = database.db.transaction().setIsolationLevel("repeatable read");
    const log = (db: Database["db"]) =>
      new ChangeStore({ database: { ...database, db }, replica: "replica-1" });
    await expect(begin.execute((trx) => log(trx).begin(intentOf(), FRESH))).rejects.toThrow(
      "begin_change needs transactions that are read committed, and not repeatable read",
    );
  });
});
