import { sql } from "kysely";
import { expect, test, vi } from "vitest";
import { ApprovalStore } from "../../src/audit/approval-store.ts";
import type { ChangeIntent, ChangeRecord, ChangeSettlement } from "../../src/audit/change-record.ts";
import { DueChanges } from "../../src/audit/due-changes.ts";
import { MfaFlagClient } from "../../src/changes/mfa-flag-client.ts";
import { Reconciler } from "../../src/changes/reconciler.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { FRESH, makeDue, UNKNOWN } from "../audit/intent-of.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { ALICE, NOBODY } from "../support/seed-users.ts";
import { TEST_MACS } from "../support/signing-key.ts";
import { startChangeService, uin } from "../support/start-change-service.ts";

const PHONE_ON = { phone: true, stoken: true, wechat: false };
const WECHAT_ON = { phone: false, stoken: true, wechat: true };
const BEFORE = { login: { phone: false, stoken: true, wechat: false } };
const BOB = { subject: "bob", client: undefined, issuer: undefined };

interface OpenChange {
  readonly opUin?: string;
  readonly approvalMs?: number;
  readonly clock?: Clock;
}

/** A change whose replica died after recording it, and a reconciler that finds it. */
async function startWithOpenChange({ opUin = ALICE, approvalMs, clock = systemClock }: OpenChange = {}) {
  const database = await openTestDatabase("postgres");
  const { cam, client, log } = await startChangeService({ database });
  const intent: ChangeIntent = {
    account: "default",
    opUin: uin(opUin),
    caller: { subject: "test", client: undefined, issuer: undefined },
    gatewayRequestId: "request-1",
    reason: undefined,
    requested: { login: { phone: true } },
    requestHash: "hash",
    idempotencyKey: undefined,
    before: BEFORE,
    sent: { opUin, login: PHONE_ON },
    leaseMs: -1,
    approvalMs,
  };
  const { id } = await log.begin(intent, FRESH);
  const mfaFlags = new MfaFlagClient({ cam: client, clock });
  const settlements: [ChangeRecord["id"], ChangeSettlement["status"]][] = [];
  const late: string[] = [];
  const reconciler = new Reconciler({
    ...{ changeStore: log, clock, due: new DueChanges(database, clock) },
    account: { name: "default", mfaFlags },
    timeLimitMs: 1_000,
    observer: {
      onSettled: (record, { status }) => settlements.push([record.id, status]),
      onAppliedLate: (record) => late.push(record.id),
      onError: () => undefined,
    },
  });
  return {
    ...{ cam, log, database, id, reconciler, intent, settlements, late },
    approvals: new ApprovalStore({ database, replica: "another", requestMacs: TEST_MACS }),
    found: () => log.find(id),
    /** Adds another change of the same user, with that outcome or still open. */
    async makeAnother(change: Partial<ChangeIntent>, settlement?: ChangeSettlement): Promise<string> {
      const other = { ...intent, requestHash: "other", approvalMs: undefined, leaseMs: 60_000, ...change };
      const verdict = await log.begin(other, { lastSettleOrder: 9_000_000_000, ageMs: 0 });
      expect(verdict.kind).toBe("BEGUN");
      if (settlement !== undefined) await log.settle(verdict.id, settlement);
      return verdict.id;
    },
    /** Runs the reconciler once, after the time between two reads. */
    async look(): Promise<number> {
      await sql`update mfa_change set lease_until = now() - interval '1 second' where id = ${id} and hash is null`.execute(
        database.db,
      );
      await sql`update mfa_change set read_back_at = null where hash is null`.execute(database.db);
      return reconciler.settleDue();
    },
    /** Moves everything on record back in time. */
    async passTime(seconds: number): Promise<void> {
      const by = sql`make_interval(secs => ${seconds})`;
      await rewriteRecord(database, async (db) => {
        await sql`
          update mfa_change set created_at = created_at - ${by}, finished_at = finished_at - ${by},
            decided_at = decided_at - ${by}`.execute(db);
      });
    },
  };
}

const APPLIED = { status: "applied", resolvedBy: "REPLY", attempts: 1, quotaWaitMs: 0 } as const;

function show(login: typeof PHONE_ON) {
  const flag = (on: boolean) => (on ? 1 : 0);
  return {
    uin: ALICE,
    loginFlag: { Phone: flag(login.phone), Stoken: flag(login.stoken), Wechat: flag(login.wechat) },
  } as const;
}

test("an open change that CAM shows is settled as applied", async () => {
  const { cam, reconciler, settlements, late, id, found } = await startWithOpenChange();
  cam.putUser(show(PHONE_ON));
  expect(await reconciler.settleDue()).toBe(1);
  expect(await found()).toMatchObject({ status: "applied", resolvedBy: "READ_BACK", seq: "1" });
  expect(settlements).toEqual([[id, "applied"]]);
  expect(late).toEqual([]);
});

test("an open change that CAM does not show becomes unknown, is not sent, and blocks no other change", async () => {
  const { cam, reconciler, found, settlements, id, makeAnother } = await startWithOpenChange();
  await reconciler.settleDue();
  expect(await found()).toMatchObject({ status: "unknown", code: "OUTCOME_UNKNOWN", seq: undefined });
  expect(settlements).toEqual([[id, "unknown"]]);
  expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  await makeAnother({});
});

test("a change that CAM applies after several reads is settled as applied and reported once", async () => {
  const { cam, look, found, settlements, id } = await startWithOpenChange();
  for (let looks = 0; looks < 4; looks++) expect(await look()).toBe(1);
  expect(await found()).toMatchObject({ status: "unknown", seq: undefined });
  cam.putUser(show(PHONE_ON));
  await look();
  expect(await found()).toMatchObject({ status: "applied", resolvedBy: "READ_BACK", code: undefined });
  expect(settlements).toEqual([
    [id, "unknown"],
    [id, "applied"],
  ]);
  expect(await look()).toBe(0);
});

test("a read is one call to CAM with the lowest priority, even if it fails", async () => {
  const { cam, look, found, database } = await startWithOpenChange();
  cam.addFault({ kind: "camError", code: "InternalError", action: "DescribeSafeAuthFlagColl" });
  await look();
  expect(cam.counters()["DescribeSafeAuthFlagColl"]).toMatchObject({ received: 1 });
  expect(await found()).toMatchObject({ status: "unknown", seq: undefined });
  const readBacks = async () =>
    (await sql<{ read_backs: number | null }>`select read_backs from mfa_change`.execute(database.db)).rows;
  expect(await readBacks()).toEqual([{ read_backs: null }]);
  cam.clearFaults();
  await look();
  expect(await readBacks()).toEqual([{ read_backs: 1 }]);
});

test("a missing user does not prove that CAM did not apply the change before", async () => {
  const { look, found, database } = await startWithOpenChange({ opUin: NOBODY });
  await look();
  expect(await found()).toMatchObject({ status: "unknown", seq: undefined });
  const { rows } = await sql`select read_backs from mfa_change`.execute(database.db);
  expect(rows).toEqual([{ read_backs: 1 }]);
});

test.each([26, -26])(
  "a gateway whose clock is %i hours off seals changes at the usual time",
  async (hours) => {
    const clock: Clock = { ...systemClock, now: () => Date.now() + hours * 3_600_000 };
    const { look, found, passTime, database } = await startWithOpenChange({ clock });
    await look();
    await look();
    expect(await found()).toMatchObject({ status: "unknown", seq: undefined });
    await passTime(25 * 3_600);
    await look();
    // A day has passed by the database's clock, and the user was not read often enough.
    expect(await found()).toMatchObject({ status: "unknown", seq: undefined });
    await sql`update mfa_change set read_backs = 157`.execute(database.db);
    await look();
    expect(await found()).toMatchObject({ status: "unknown", seq: "1" });
  },
);

test("a database clock that is set back an hour leaves an open change to its replica for one more minute", async () => {
  const { reconciler, passTime, database, id, found } = await startWithOpenChange();
  await passTime(-3_600);
  await sql`update mfa_change set lease_until = now() + interval '1 hour'`.execute(database.db);
  expect(await reconciler.settleDue()).toBe(0);
  await sql`update mfa_change set lease_until = lease_until - interval '1 minute'`.execute(database.db);
  expect(await reconciler.settleDue()).toBe(1);
  expect(await found()).toMatchObject({ id, status: "unknown" });
});

test("an account's users are read one by one, less than two a second", async () => {
  const { log, reconciler, makeAnother } = await startWithOpenChange();
  await makeAnother({ opUin: uin(NOBODY), leaseMs: -1 });
  const claim = vi.spyOn(log, "claim");
  expect(await reconciler.settleDue()).toBe(1);
  expect(claim.mock.calls).toEqual([["default", 1, 6_000, 600]]);
});

test("an unknown change that a later one may have overwritten stays open", async () => {
  const { cam, log, id, makeAnother, look, found, late } = await startWithOpenChange();
  await log.settle(id, UNKNOWN);
  const later = await makeAnother({ sent: { login: WECHAT_ON } }, APPLIED);
  cam.putUser(show(WECHAT_ON));
  await look();
  expect(await found()).toMatchObject({ status: "unknown", seq: undefined });
  expect(await log.find(later)).toMatchObject({ status: "applied" });
  expect(late).toEqual([]);
});

test("an unknown change is applied if a read matches only its flags, and is reported as late", async () => {
  const { cam, log, id, makeAnother, look, found, late } = await startWithOpenChange();
  await log.settle(id, UNKNOWN);
  await makeAnother({ sent: { login: WECHAT_ON } }, APPLIED);
  cam.putUser(show(PHONE_ON));
  await look();
  expect(await found()).toMatchObject({ status: "applied", resolvedBy: "READ_BACK" });
  expect(late).toEqual([id]);
});

test.each([
  ["matches both changes", { login: PHONE_ON }, "unknown", "applied"],
  ["matches both changes, the later of which is open", { login: PHONE_ON }, "unknown", "open"],
  ["matches both changes, the later of which was refused", { login: PHONE_ON }, "applied", "refused"],
  ["has a protection that only the earlier change wrote", { action: PHONE_ON }, "applied", "applied"],
] as const)("a user who %s: the earlier change is %s", async (_case, sent, status, fate) => {
  const { cam, log, id, makeAnother, look, found } = await startWithOpenChange();
  await log.settle(id, UNKNOWN);
  const refused = { status: "refused", code: "USER_NOT_BIND_PHONE", attempts: 1, quotaWaitMs: 0 } as const;
  const fates = { applied: APPLIED, open: undefined, refused };
  await makeAnother({ sent }, fates[fate]);
  cam.putUser(show(PHONE_ON));
  await look();
  expect(await found()).toMatchObject({ status });
});

test("for a minute a read may show an earlier write and proves nothing; later it proves the change", async () => {
  const { cam, log, id, database, makeAnother, look, passTime } = await startWithOpenChange();
  await log.settle(id, { status: "refused", code: "X", attempts: 0, quotaWaitMs: 0 });
  const sent = { login: PHONE_ON };
  await makeAnother({ sent }, APPLIED);
  await makeAnother({ before: sent, sent: BEFORE }, APPLIED);
  const again = await makeAnother({ sent }, UNKNOWN);
  cam.putUser(show(PHONE_ON));
  for (const [seconds, status] of [
    [5, "unknown"],
    [60, "applied"],
  ] as const) {
    await passTime(seconds);
    await makeDue(database, again);
    await look();
    expect(await log.find(again)).toMatchObject({ status });
  }
});

test.each([
  ["shows", PHONE_ON, { status: "applied", resolvedBy: "READ_BACK", seq: "2" }],
  ["does not show", BEFORE.login, { status: "unknown", code: "OUTCOME_UNKNOWN", seq: undefined }],
])("a change whose approver's replica died and that CAM %s", async (_case, login, settled) => {
  const { cam, approvals, log, id, intent, makeAnother, reconciler, found } = await startWithOpenChange({
    approvalMs: 60_000,
  });
  const between = await makeAnother({ sent: { login: WECHAT_ON } }, APPLIED);
  const { settleOrder: known } = (await log.recentWrites("default", intent.opUin))[0] ?? {};
  expect(between).toBeDefined();
  const approval = { ...intent, by: BOB, gatewayRequestId: "request-2", sent: { login: PHONE_ON } };
  const verdict = await approvals.approve(
    id,
    { ...approval, before: BEFORE },
    { lastSettleOrder: known, ageMs: 0 },
  );
  expect(verdict.kind).toBe("BEGUN");
  cam.putUser(show(login));
  expect(await reconciler.settleDue()).toBe(1);
  expect(await found()).toMatchObject({ ...settled, approval: { decision: { kind: "approved", by: BOB } } });
});

test("a change without approval in time is settled as refused, without a call to CAM", async () => {
  const { cam, reconciler, found } = await startWithOpenChange({ approvalMs: 0 });
  expect(await reconciler.settleDue()).toBe(1);
  expect(await found()).toMatchObject({ status: "refused", code: "APPROVAL_EXPIRED", seq: "1" });
  expect(cam.journal()).toEqual([]);
});

test("a change that still awaits approval is left alone", async () => {
  const { reconciler, found } = await startWithOpenChange({ approvalMs: 60_000 });
  expect(await reconciler.settleDue()).toBe(0);
  expect(await found()).toMatchObject({ status: "awaiting_approval" });
});
