import { inspect } from "node:util";
import { sql } from "kysely";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { chainStart } from "../../src/audit/chain.ts";
import type { ChangeIntent, ChangeRecord, ChangeSettlement } from "../../src/audit/change-record.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { GatewayError } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { APPLIED, FRESH, intentOf, makeDue, newUin, OLD, UNKNOWN } from "./intent-of.ts";

const NO_SUCH_ID = "0199aaaa-0000-7000-8000-000000000000";
const HASH = /^[0-9a-f]{64}$/;

describe.each(["postgres", "pglite"] as const)("the log of changes on %s", (kind) => {
  let database: Database;
  let log: ChangeStore;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeStore({ database, replica: "replica-1" });
  });

  async function begun(intent: Partial<ChangeIntent> = {}): Promise<string> {
    // A before-image that was composed with every write so far.
    const { kind: verdict, id } = await log.begin(intentOf(intent), {
      lastSettleOrder: 9_000_000_000,
      ageMs: 0,
    });
    expect(verdict).toBe("BEGUN");
    return id;
  }

  async function settled(intent: Partial<ChangeIntent>, settlement: ChangeSettlement): Promise<string> {
    const id = await begun(intent);
    expect(await log.settle(id, settlement)).toEqual({
      settleOrder: expect.any(Number),
      at: expect.any(Date),
      sealed: settlement.status !== "unknown",
    });
    return id;
  }

  async function found(id: string): Promise<ChangeRecord> {
    const record = await log.find(id);
    if (record === undefined) throw new Error(`The change ${id} does not exist.`);
    return record;
  }

  describe("settling", () => {
    test("records the outcome of a change, and seals the record", async () => {
      const id = await settled({}, APPLIED);
      expect(await log.find(id)).toMatchObject({
        ...APPLIED,
        quotaWaitMs: 12,
        seq: expect.stringMatching(/^\d+$/),
      });
      const { createdAt, finishedAt } = await found(id);
      expect(finishedAt?.getTime()).toBeGreaterThanOrEqual(createdAt.getTime());
      const { rows } = await sql`
        select previous_hash, hash, sealed_content, lease_until from mfa_change where id = ${id}`.execute(
        database.db,
      );
      expect(rows).toEqual([
        {
          previous_hash: expect.stringMatching(HASH),
          hash: expect.stringMatching(HASH),
          sealed_content: expect.stringContaining(`"id": "${id}"`),
          lease_until: null,
        },
      ]);
    });

    test("happens once: a late call returns undefined and changes nothing", async () => {
      const id = await settled({}, APPLIED);
      const before = await log.find(id);
      const late: ChangeSettlement = {
        status: "refused",
        code: "USER_NOT_EXIST",
        attempts: 3,
        quotaWaitMs: 9,
      };
      expect(await log.settle(id, late)).toBeUndefined();
      expect(await log.settle(id, UNKNOWN)).toBeUndefined();
      expect(await log.find(id)).toEqual(before);
    });

    test("records one of several outcomes that come at the same time", async () => {
      const id = await begun();
      const refused: ChangeSettlement = {
        status: "refused",
        code: "USER_NOT_EXIST",
        attempts: 1,
        quotaWaitMs: 0,
      };
      const taken = await Promise.all(
        [APPLIED, refused, APPLIED, refused].map((each) => log.settle(id, each)),
      );
      expect(taken.filter(Boolean)).toHaveLength(1);
    });

    test("leaves an unknown outcome open, and adds up the attempts", async () => {
      const id = await settled({}, { ...UNKNOWN, quotaWaitMs: 5 });
      expect(await log.find(id)).toMatchObject({
        status: "unknown",
        code: "OUTCOME_UNKNOWN",
        seq: undefined,
      });
      expect(await log.settle(id, { ...APPLIED, resolvedBy: "READ_BACK", attempts: 2 })).toMatchObject({
        sealed: true,
      });
      expect(await log.find(id)).toMatchObject({
        status: "applied",
        code: undefined,
        resolvedBy: "READ_BACK",
        attempts: 3,
        quotaWaitMs: 17,
        seq: expect.any(String),
      });
    });

    describe("of an unknown outcome", () => {
      /** Seconds until the next read-back. */
      async function untilNextLook(id: string): Promise<number> {
        const { rows } = await sql<{ seconds: string }>`
          select extract(epoch from lease_until - clock_timestamp()) as seconds from mfa_change where id = ${id}
        `.execute(database.db);
        return Number(rows[0]?.seconds);
      }

      async function shift(id: string, hours: number): Promise<void> {
        await sql`
          update mfa_change set finished_at = finished_at - make_interval(hours => ${hours}),
            created_at = created_at - make_interval(hours => ${hours}) where id = ${id}`.execute(database.db);
      }

      function made(id: string, readBacks: number): Promise<unknown> {
        return sql`update mfa_change set read_backs = ${readBacks} where id = ${id}`.execute(database.db);
      }

      test("read-backs follow 2, 5, 10, 20, 40 and 60 s after, each minute to ten minutes, every ten minutes to 24 h", async () => {
        const { rows } = await sql<{ after: number[] }>`
          select array_agg(total order by made) as after from (
            select made, sum(extract(epoch from read_back_delay(made))) over (order by made)::integer as total
            from generate_series(0, 157) made
          ) delays`.execute(database.db);
        const minutes = (from: number, to: number, step: number) =>
          Array.from({ length: (to - from) / step + 1 }, (_, at) => 60 * (from + at * step));
        expect(rows[0]?.after).toEqual([
          ...[2, 5, 10, 20, 40, 60],
          ...minutes(2, 10, 1),
          ...minutes(20, 1_440, 10),
        ]);
      });

      test.each([
        [undefined, 3],
        [4, 20],
        [8, 60],
        [20, 600],
      ])("after %s read-backs and one more the next is due in %s s", async (readBacks, seconds) => {
        const id = await settled({}, UNKNOWN);
        if (readBacks !== undefined) await made(id, readBacks);
        await log.settle(id, { ...UNKNOWN, readBack: true });
        const next = await untilNextLook(id);
        expect(next).toBeLessThanOrEqual(seconds);
        expect(next).toBeGreaterThan(seconds - 2);
      });

      test("a failed read-back does not count, and is repeated after longer and longer pauses", async () => {
        const id = await settled({}, UNKNOWN);
        await log.settle(id, UNKNOWN);
        expect(await untilNextLook(id)).toBeLessThanOrEqual(2);
        for (const [hours, seconds] of [
          [0.01, 18],
          [1, 600],
        ] as const) {
          await sql`
            update mfa_change set finished_at = clock_timestamp() - make_interval(secs => ${hours * 3_600})
            where id = ${id}`.execute(database.db);
          await log.settle(id, UNKNOWN);
          const next = await untilNextLook(id);
          expect(next).toBeLessThanOrEqual(seconds + 1);
          expect(next).toBeGreaterThan(seconds - 2);
        }
        const { rows } = await sql`select read_backs from mfa_change where id = ${id}`.execute(database.db);
        expect(rows).toEqual([{ read_backs: null }]);
      });

      test.each([
        ["before a day is over, even after many read-backs", 157, 23, false],
        ["after a day with too few read-backs", 156, 25, false],
        ["after the clock was set back", 157, -1, false],
        ["after a day with all its read-backs", 157, 24, true],
      ])("it is sealed %s: %s read-backs and one more, %s hours: %s", async (_, readBacks, hours, sealed) => {
        const id = await settled({}, UNKNOWN);
        await made(id, readBacks);
        await shift(id, hours);
        expect(await log.settle(id, { ...UNKNOWN, readBack: true })).toMatchObject({ sealed });
        expect((await log.find(id))?.seq).toEqual(sealed ? expect.any(String) : undefined);
      });

      test("a read-back without news keeps the record's time, its order and CAM's last error", async () => {
        const said = {
          camCode: "InternalError",
          camAction: "SetMfaFlag",
          camRequestId: "cam-request",
        };
        const id = await begun();
        const first = await log.settle(id, { ...UNKNOWN, ...said });
        const second = await log.settle(id, { ...UNKNOWN, attempts: 0, readBack: true });
        expect(second).toEqual(first);
        expect(await found(id)).toMatchObject({ ...said, status: "unknown", attempts: 1 });
      });

      test("the sealed record contains the number of read-backs", async () => {
        const id = await settled({}, UNKNOWN);
        await log.settle(id, { ...UNKNOWN, readBack: true });
        await log.settle(id, { ...APPLIED, resolvedBy: "READ_BACK", readBack: true });
        const { rows } = await sql<{ sealed_content: string }>`
          select sealed_content from mfa_change where id = ${id}`.execute(database.db);
        expect(JSON.parse(rows[0]?.sealed_content ?? "")).toMatchObject({ status: "applied", looks: 2 });
      });
    });

    test("settling an unknown change throws an error, and not STORE_UNAVAILABLE", async () => {
      await expect(log.settle(NO_SUCH_ID, APPLIED)).rejects.toThrow(`there is no change ${NO_SUCH_ID}`);
    });

    test("seals without gaps, one after the other, also under many calls at the same time", async () => {
      const ids = await Promise.all(Array.from({ length: 20 }, () => begun()));
      await Promise.all(ids.map((id) => log.settle(id, APPLIED)));
      const { rows } = await sql<{ seq: string; previous_hash: string; hash: string }>`
        select chain_seq as seq, previous_hash, hash from mfa_change
        where chain = 'account:default' order by chain_seq`.execute(database.db);
      expect(rows.map(({ seq }) => Number(seq))).toEqual(rows.map((_, index) => index + 1));
      expect(rows.map(({ previous_hash }) => previous_hash)).toEqual([
        chainStart("account:default", "0".repeat(64)),
        ...rows.slice(0, -1).map(({ hash }) => hash),
      ]);
      const { rows: chain } = await sql`
        select seq, hash from record_chain where chain = 'account:default'`.execute(database.db);
      expect(chain).toEqual([{ seq: rows.at(-1)?.seq, hash: rows.at(-1)?.hash }]);
    });
  });

  describe("a sealed record", () => {
    const statements = [
      "update mfa_change set status = 'refused' where hash is not null",
      "update mfa_change set sealed_content = 'x' where hash is not null",
      "update mfa_change set chain = null, chain_seq = null, sealed_content = null, previous_hash = null, hash = null where hash is not null",
      "update mfa_change set lease_until = now() where hash is not null",
      "delete from mfa_change where hash is not null",
      "delete from mfa_change",
      "truncate mfa_change",
      "delete from audit_chain",
      "truncate audit_chain",
      "update audit_chain set seq = 9",
      "delete from record_chain",
      "truncate record_chain",
      "update record_checkpoint set hash = 'x'",
      "delete from record_checkpoint",
      "truncate record_checkpoint",
      "update audit_checkpoint set hash = 'x'",
      "delete from audit_checkpoint",
      "truncate audit_checkpoint",
    ];
    test.each(statements)("withstands: %s", async (statement) => {
      await settled({}, APPLIED);
      const all = sql`select * from mfa_change order by id`;
      const before = await all.execute(database.db);
      await expect(sql.raw(statement).execute(database.db)).rejects.toMatchObject({
        code: "23001",
        message: expect.stringMatching(/^the record of changes is kept: no (update|delete|truncate) of /),
      });
      expect((await all.execute(database.db)).rows).toEqual(before.rows);
    });

    test.each([
      ["with an outcome but no end", "status = 'applied'"],
      [
        "sealed while pending",
        "chain = 'gateway', chain_seq = 99999, sealed_content = '{}', previous_hash = 'p', hash = 'h'",
      ],
      ["sealed in part", "status = 'applied', finished_at = now(), chain = 'gateway', chain_seq = 99999"],
      ["of an unknown status", "status = 'done', finished_at = now()"],
    ])("cannot be made %s", async (_, assignment) => {
      const id = await begun();
      const statement = sql`update mfa_change set ${sql.raw(assignment)} where id = ${id}`;
      await expect(statement.execute(database.db)).rejects.toMatchObject({ code: "23514" });
    });
  });

  describe("claiming", () => {
    test("returns overdue changes, both open and unknown, and no others", async () => {
      const account = `account-${newUin()}`;
      const overdue = await begun({ account, leaseMs: -1 });
      const lookAgain = await settled({ account }, UNKNOWN);
      await makeDue(database, lookAgain);
      await begun({ account });
      await settled({ account }, UNKNOWN);
      await settled({ account }, APPLIED);
      const other = new ChangeStore({ database, replica: "replica-2" });
      const taken = await other.claim(account, 10, 60_000);
      expect(taken.map(({ id }) => id).sort()).toEqual([overdue, lookAgain].sort());
      expect(taken.map(({ replica }) => replica)).toEqual(["replica-2", "replica-2"]);
      expect(await log.claim(account, 10, 60_000)).toEqual([]);
    });

    test("the longest overdue come first, up to the limit", async () => {
      const account = `account-${newUin()}`;
      const ids: string[] = [];
      for (const leaseMs of [-1_000, -3_000, -2_000]) ids.push(await begun({ account, leaseMs }));
      const first = await log.claim(account, 2, 60_000);
      expect(first.map(({ id }) => id).sort()).toEqual([ids[1], ids[2]].sort());
      expect((await log.claim(account, 2, 60_000)).map(({ id }) => id)).toEqual([ids[0]]);
    });

    test("an open change, which blocks its user, comes before an unknown one", async () => {
      const account = `account-${newUin()}`;
      const unknown = await settled({ account }, UNKNOWN);
      await makeDue(database, unknown);
      const open = await begun({ account, leaseMs: -1 });
      expect((await log.claim(account, 1, 60_000)).map(({ id }) => id)).toEqual([open]);
      expect((await log.claim(account, 1, 60_000)).map(({ id }) => id)).toEqual([unknown]);
    });

    test("all replicas together claim one change that needs a read-back in each gap", async () => {
      const account = `account-${newUin()}`;
      for (let i = 0; i < 3; i++) await begun({ account, leaseMs: -1 });
      const other = new ChangeStore({ database, replica: "replica-2" });
      expect(await log.claim(account, 1, 60_000, 30_000)).toHaveLength(1);
      expect(await other.claim(account, 1, 60_000, 30_000)).toEqual([]);
      expect(await other.claim("another", 1, 60_000, 30_000)).toEqual([]);
      // The clock is set back, so that the last read-back lies ahead.
      await sql`
        update mfa_change set read_back_at = read_back_at + interval '1 hour' where account = ${account}
      `.execute(database.db);
      expect(await other.claim(account, 2, 60_000, 30_000)).toHaveLength(2);
    });

    test("a lease that is too long because the clock was set back ends after a minute and not before", async () => {
      const account = `account-${newUin()}`;
      const id = await begun({ account });
      await sql`update mfa_change set lease_until = now() + interval '1 hour' where id = ${id}`.execute(
        database.db,
      );
      expect(await log.claim(account, 10, 60_000)).toEqual([]);
      const { rows } = await sql`
        select lease_until between clock_timestamp() + interval '50 seconds' and clock_timestamp() + interval '1 minute'
          as soon from mfa_change where id = ${id}`.execute(database.db);
      expect(rows).toEqual([{ soon: true }]);
      await log.settle(id, APPLIED);
    });

    test("a claimed change can be claimed again if its new replica fails too", async () => {
      const account = `account-${newUin()}`;
      const id = await begun({ account, leaseMs: -1 });
      expect((await log.claim(account, 10, -1)).map((record) => record.id)).toEqual([id]);
      expect((await log.claim(account, 10, 60_000)).map((record) => record.id)).toEqual([id]);
    });
  });

  describe("other writes that a read-back may show", () => {
    const other = { login: { phone: false, stoken: true, wechat: false } };
    const refused: ChangeSettlement = { status: "refused", code: "X", attempts: 1, quotaWaitMs: 0 };

    test.each([
      ["a later change that is open", undefined, true],
      ["a later change that was applied", APPLIED, true],
      ["a later change of unknown outcome", UNKNOWN, true],
      ["no later change that was refused", refused, false],
    ])("%s", async (_, settlement, shows) => {
      const opUin = newUin();
      const id = await settled({ opUin }, UNKNOWN);
      expect(await log.otherWrites(await found(id))).toEqual({ later: [], earlier: [] });
      const later = await begun({ opUin, sent: other });
      if (settlement) await log.settle(later, settlement);
      expect((await log.otherWrites(await found(id))).later).toEqual(shows ? [other] : []);
      expect((await log.otherWrites(await found(later))).later).toEqual([]);
    });

    test.each([
      ["an earlier write of the minute before", APPLIED, 50, 0, true],
      ["an earlier write of unknown outcome", UNKNOWN, 50, 0, true],
      ["no earlier change that was refused", refused, 50, 0, false],
      ["no earlier write of more than a minute before", APPLIED, 61, 0, false],
      ["no earlier write from a minute after the change on", APPLIED, 0, 61, false],
    ])("%s", async (_, settlement, agoS, changedAgoS, shows) => {
      const opUin = newUin();
      const before = { login: { phone: false, stoken: false, wechat: false } };
      const earlier = await settled({ opUin, before, sent: other }, settlement);
      const id = await begun({ opUin });
      await rewriteRecord(database, async (db) => {
        await sql`
          update mfa_change set finished_at = finished_at - make_interval(secs => ${agoS}) where id = ${earlier}
        `.execute(db);
        await sql`
          update mfa_change set created_at = created_at - make_interval(secs => ${changedAgoS}) where id = ${id}
        `.execute(db);
      });
      const images = await log.otherWrites(await found(id));
      expect(images).toEqual({ later: [], earlier: shows ? [before, other] : [] });
    });
  });

  describe("listing", () => {
    const alice = { subject: `lister-${newUin()}`, client: undefined, issuer: undefined };

    test("filters by user, status, caller and time of beginning, newest first", async () => {
      const [one, two] = [newUin(), newUin()];
      const ids = [
        await settled({ opUin: one, caller: alice }, APPLIED),
        await settled({ opUin: two, caller: alice }, UNKNOWN),
        await begun({ opUin: one, caller: alice }),
      ];
      const [first, second, third] = await Promise.all(ids.map(found));
      if (!first || !second || !third) throw new Error("They have just been begun.");
      const list = async (filter: Parameters<ChangeStore["list"]>[0]) =>
        (await log.list({ callerSubject: alice.subject, ...filter }, 10)).map(({ id }) => id);
      expect(await list({})).toEqual([third.id, second.id, first.id]);
      expect(await list({ opUin: one })).toEqual([third.id, first.id]);
      expect(await list({ status: "unknown" })).toEqual([second.id]);
      expect(await list({ opUin: one, status: "applied" })).toEqual([first.id]);
      expect(await list({ callerSubject: "nobody" })).toEqual([]);
      const beforeAll = new Date(first.createdAt.getTime() - 1_000);
      const afterAll = new Date(third.createdAt.getTime() + 1_000);
      expect(await list({ from: beforeAll, until: afterAll })).toEqual([third.id, second.id, first.id]);
      expect(await list({ until: beforeAll })).toEqual([]);
      expect(await list({ from: afterAll })).toEqual([]);
    });

    test("continues after the last record of the previous page, even if changes began meanwhile", async () => {
      const caller = { subject: `pager-${newUin()}`, client: undefined, issuer: undefined };
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.unshift(await begun({ caller }));
      const filter = { callerSubject: caller.subject };
      const page = async (after?: string) => (await log.list(filter, 2, after)).map(({ id }) => id);
      expect(await page()).toEqual(ids.slice(0, 2));
      await begun({ caller });
      expect(await page(ids[1])).toEqual(ids.slice(2, 4));
      expect(await page(ids[3])).toEqual(ids.slice(4));
      expect(await page(ids[4])).toEqual([]);
    });

    test("rejects a malformed `after` with a RangeError", async () => {
      await expect(log.list({}, 10, "x'; drop table mfa_change; --")).rejects.toThrow(RangeError);
    });
  });

  describe("finding", () => {
    test.each([NO_SUCH_ID, "1", "", "x'; --"])("%j finds nothing", async (id) => {
      expect(await log.find(id)).toBeUndefined();
    });
  });

  test("text of every script stays unchanged", async () => {
    const odd = `"quoted" \\ 手机 🔐 Ünïcode \u0001 </script>`;
    const id = await settled(
      { requested: { note: odd }, caller: { subject: odd, client: odd, issuer: odd } },
      APPLIED,
    );
    expect(await log.find(id)).toMatchObject({ requested: { note: odd }, caller: { subject: odd } });
  });

  test("a value that the store cannot take throws the driver's error, and not STORE_UNAVAILABLE", async () => {
    const failure = log.begin(intentOf({ idempotencyKey: "nul \u0000 inside" }), FRESH);
    await expect(failure).rejects.not.toBeInstanceOf(GatewayError);
    await expect(failure).rejects.toMatchObject({ code: expect.stringMatching(/^22/) });
  });

  test("a closed store is STORE_UNAVAILABLE, with the reason as its cause", async () => {
    const closed = await openTestDatabase(kind);
    const late = new ChangeStore({ database: closed, replica: "replica-1" });
    await closed.close();
    for (const attempt of [
      () => late.begin(intentOf(), FRESH),
      () => late.find(NO_SUCH_ID),
      () => late.settle(NO_SUCH_ID, APPLIED),
      () => late.list({}, 1),
      () => late.claim("default", 1, 1),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", cause: expect.any(Error) });
    }
  });
});

describe("on PostgreSQL", () => {
  test("two replicas never claim the same change", async () => {
    const url = await createTestPostgres();
    const logs = await Promise.all(
      ["replica-1", "replica-2", "replica-3"].map(
        async (replica) => new ChangeStore({ database: await openTestPostgres(url), replica }),
      ),
    );
    const [first] = logs;
    const begun = await Promise.all(
      Array.from({ length: 60 }, async () => (await first?.begin(intentOf({ leaseMs: -1 }), FRESH))?.id),
    );
    const taken: string[] = [];
    for (let round = 0; round < 10; round++) {
      const got = await Promise.all(logs.map((log) => log.claim("default", 5, 600_000)));
      for (const records of got) {
        expect(records.length).toBeLessThanOrEqual(5);
        taken.push(...records.map(({ id }) => id));
      }
    }
    expect(taken).toHaveLength(60);
    expect(taken.sort()).toEqual(begun.sort());
  });

  test("a change that another replica is settling is not claimed", async () => {
    const url = await createTestPostgres();
    const [one, two] = [await openTestPostgres(url), await openTestPostgres(url)];
    const slow = new ChangeStore({ database: one, replica: "slow" });
    const reconciler = new ChangeStore({ database: two, replica: "reconciler" });
    for (let round = 0; round < 30; round++) {
      const { id } = await slow.begin(intentOf({ leaseMs: -1 }), FRESH);
      const [settled, taken] = await Promise.all([
        slow.settle(id, APPLIED),
        reconciler.claim("default", 10, 60_000),
      ]);
      // Claimed before it was settled, or not at all; in both cases the first outcome counts.
      expect(settled).toMatchObject({ sealed: true });
      for (const record of taken) expect(await reconciler.settle(record.id, UNKNOWN)).toBeUndefined();
      expect(await reconciler.find(id)).toMatchObject({ status: "applied" });
    }
  });

  test("a server outage is STORE_UNAVAILABLE until the server returns, and no error contains the password", async () => {
    const url = await createTestPostgres();
    const database = await openTestPostgres(url);
    const admin = await openTestPostgres(inject("testDatabases").postgresUrl);
    const log = new ChangeStore({ database, replica: "replica-1" });
    await log.begin(intentOf(), FRESH);
    const name = new URL(url).pathname.slice(1);
    await sql`alter database ${sql.id(name)} with allow_connections false`.execute(admin.db);
    await sql`
      select pg_terminate_backend(pid, 30000) from pg_stat_activity where datname = ${name}
    `.execute(admin.db);
    const failures = await Promise.allSettled(Array.from({ length: 5 }, () => log.begin(intentOf(), FRESH)));
    for (const failure of failures) {
      if (failure.status !== "rejected") throw new Error("The database allows no connections.");
      expect(failure.reason).toMatchObject({ code: "STORE_UNAVAILABLE", cause: expect.any(Error) });
      expect(inspect(failure.reason, { depth: 9, showHidden: true })).not.toContain(new URL(url).password);
    }
    await sql`alter database ${sql.id(name)} with allow_connections true`.execute(admin.db);
    expect((await log.begin(intentOf(), OLD)).kind).toBe("BEGUN");
  });

  test("a statement that takes too long ends as STORE_UNAVAILABLE", async () => {
    const url = new URL(await createTestPostgres());
    const holder = await openTestPostgres(url.href);
    const log = new ChangeStore({ database: await openTestPostgres(url.href), replica: "replica-1" });
    await rewriteRecord(holder, async () => {
      await expect(log.begin(intentOf(), FRESH)).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        cause: { code: "57014" },
      });
    });
  });
});
