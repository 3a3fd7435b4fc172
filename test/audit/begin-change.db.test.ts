import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ChangeLog } from "../../src/audit/change-log.ts";
import type { ChangeIntent } from "../../src/audit/change-record.ts";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { APPLIED, FRESH, intentOf, newUin, OLD, unknownFor } from "./intent-of.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

describe.each(["postgres", "pglite"] as const)("begin on %s", (kind) => {
  let database: Database;
  let log: ChangeLog;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeLog({ database, replica: "replica-1" });
  });

  async function begun(intent: ChangeIntent): Promise<string> {
    const verdict = await log.begin(intent, FRESH);
    expect(verdict.kind).toBe("BEGUN");
    return verdict.id;
  }

  /** A change that was begun and applied so long ago. */
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

  test("an intent is on record as it was given", async () => {
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

  test("a caller of whom only the subject is known is on record so", async () => {
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

  test("changes are counted as they are begun, even within one tick of the clock", async () => {
    const ids: string[] = [];
    const caller = { subject: `counted-${newUin()}`, client: undefined, issuer: undefined };
    for (let i = 0; i < 30; i++) ids.unshift(await begun(intentOf({ caller })));
    const listed = await log.list({ callerSubject: caller.subject }, 100);
    expect(listed.map(({ id }) => id)).toEqual(ids);
  });

  describe("while a change of the user is open", () => {
    test("the same request joins it, whoever asks", async () => {
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
      await log.settle(id, APPLIED);
      const verdict = await log.begin(keyed, { knownLatest: id, ageMs: 0 });
      expect(verdict.kind).toBe("BEGUN");
      expect(await log.findByIdempotencyKey(intent.caller, "key")).toMatchObject({ id: verdict.id });
    });

    test("another request finds the user busy, however fresh its reading", async () => {
      const intent = intentOf();
      const id = await begun(intent);
      const other = { ...intent, requestHash: "hash-b" };
      expect(await log.begin(other, { knownLatest: id, ageMs: 0 })).toEqual({ kind: "BUSY", id });
    });

    test("a change whose lease is over still keeps others out until somebody takes it over and settles it", async () => {
      const intent = intentOf({ leaseMs: -1 });
      const id = await begun(intent);
      expect(await log.begin({ ...intent, requestHash: "hash-b" }, FRESH)).toEqual({ kind: "BUSY", id });
    });

    test("other users are free", async () => {
      await begun(intentOf());
      await begun(intentOf());
    });
  });

  describe("after a change of the user", () => {
    const cases: readonly {
      title: string;
      endedAgoMs: number;
      known: boolean;
      ageMs: number;
      verdict: "BEGUN" | "STALE";
    }[] = [
      {
        title: "a reading that began before it ended",
        endedAgoMs: 10_000,
        known: false,
        ageMs: 70_000,
        verdict: "STALE",
      },
      { title: "a reading that may have", endedAgoMs: 10_000, known: false, ageMs: 9_000, verdict: "STALE" },
      {
        title: "a reading that cannot have",
        endedAgoMs: 10_000,
        known: false,
        ageMs: 1_000,
        verdict: "BEGUN",
      },
      { title: "one that was ages ago", endedAgoMs: DAY_MS, known: false, ageMs: 0, verdict: "BEGUN" },
      {
        title: "a reading that began as it ended, without knowing of it",
        endedAgoMs: 60_000,
        known: false,
        ageMs: 59_000,
        verdict: "STALE",
      },
      { title: "a reading now that knows of it", endedAgoMs: 100, known: true, ageMs: 0, verdict: "BEGUN" },
      {
        title: "a late reading that knows of it",
        endedAgoMs: 60_000,
        known: true,
        ageMs: 4_000,
        verdict: "BEGUN",
      },
      {
        title: "a reading that knew of it before its outcome was settled again",
        endedAgoMs: 1_000,
        known: true,
        ageMs: 60_000,
        verdict: "STALE",
      },
    ];
    test.each(cases)("$title is $verdict", async ({ endedAgoMs, known, ageMs, verdict }) => {
      const opUin = newUin();
      const id = await appliedAgo(intentOf({ opUin }), endedAgoMs);
      const next = intentOf({ opUin, requestHash: "hash-b" });
      const given = await log.begin(next, { knownLatest: known ? id : undefined, ageMs });
      expect(given).toEqual({ kind: verdict, id: verdict === "STALE" ? id : expect.any(String) });
    });

    test("knowing an earlier change than the last is not enough", async () => {
      const opUin = newUin();
      const first = await appliedAgo(intentOf({ opUin }), 30_000);
      const second = await appliedAgo(intentOf({ opUin }), 1_000);
      const next = intentOf({ opUin });
      expect(await log.begin(next, { knownLatest: first, ageMs: 60_000 })).toEqual({
        kind: "STALE",
        id: second,
      });
      expect((await log.begin(next, { knownLatest: second, ageMs: 0 })).kind).toBe("BEGUN");
    });

    test("what is unknown for now makes readings stale too, and keeps nobody out", async () => {
      const opUin = newUin();
      const id = await begun(intentOf({ opUin }));
      await log.settle(id, unknownFor(60_000));
      expect(await log.begin(intentOf({ opUin }), OLD)).toEqual({ kind: "STALE", id });
      expect((await log.begin(intentOf({ opUin }), { knownLatest: id, ageMs: 0 })).kind).toBe("BEGUN");
    });
  });

  describe("with an idempotency key", () => {
    test("the same request is replayed, open or over, and whatever has happened since", async () => {
      const intent = intentOf({ idempotencyKey: "k1" });
      const id = await begun(intent);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
      await log.settle(id, APPLIED);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
      await begunAfter(intent.opUin, id);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
    });

    test("another request is told so, also for another user", async () => {
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

    test("two callers of one name are two, where different issuers vouch for them", async () => {
      const intent = intentOf({ idempotencyKey: "k5" });
      await begun(intent);
      const caller = { ...intent.caller, issuer: "https://other.example" };
      await begun(intentOf({ idempotencyKey: "k5", caller }));
      expect(
        await log.findByIdempotencyKey({ ...caller, issuer: "https://third.example" }, "k5"),
      ).toBeUndefined();
    });

    test("a key is remembered for 24 hours", async () => {
      const intent = intentOf({ idempotencyKey: "k4" });
      const id = await appliedAgo(intent, DAY_MS - 60_000);
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
      await backdate(id, 120_000);
      const again = await log.begin(intent, FRESH);
      expect(again).toEqual({ kind: "BEGUN", id: expect.not.stringMatching(id) });
      expect(await log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id: again.id });
    });

    async function begunAfter(opUin: ChangeIntent["opUin"], knownLatest: string): Promise<void> {
      const verdict = await log.begin(intentOf({ opUin, requestHash: "hash-c" }), { knownLatest, ageMs: 0 });
      expect(verdict.kind).toBe("BEGUN");
    }
  });
});

describe("two replicas on PostgreSQL", () => {
  async function twoReplicas(): Promise<readonly [ChangeLog, ChangeLog]> {
    const url = await createTestPostgres();
    const [first, second] = [await openTestPostgres(url), await openTestPostgres(url)];
    return [
      new ChangeLog({ database: first, replica: "replica-1" }),
      new ChangeLog({ database: second, replica: "replica-2" }),
    ];
  }

  test("of different changes of one user that are begun at once, exactly one is", async () => {
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

  test("of equal changes that are begun at once, one is, and the others join it", async () => {
    const [one, two] = await twoReplicas();
    for (let round = 0; round < 50; round++) {
      const intent = intentOf();
      const verdicts = await Promise.all([one.begin(intent, FRESH), two.begin(intent, FRESH)]);
      expect(verdicts.map(({ kind }) => kind).sort()).toEqual(["BEGUN", "JOIN"]);
      expect(new Set(verdicts.map(({ id }) => id)).size).toBe(1);
    }
  });

  test("of one key that is used at once for two users, one change is begun", async () => {
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

  test("a change that ends while another waits to begin makes that one stale, never begun", async () => {
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

  test("begin refuses to work where it could not see what others have just committed", async () => {
    const database = await openTestDatabase("postgres");
    const begin = database.db.transaction().setIsolationLevel("repeatable read");
    const log = (db: Database["db"]) =>
      new ChangeLog({ database: { ...database, db }, replica: "replica-1" });
    await expect(begin.execute((trx) => log(trx).begin(intentOf(), FRESH))).rejects.toThrow(
      "begin_change needs transactions that are read committed, and not repeatable read",
    );
  });
});
