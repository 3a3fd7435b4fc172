import { expect, test } from "vitest";
import { ApprovalLog } from "../../src/audit/approval-log.ts";
import type { ChangeIntent } from "../../src/audit/change-record.ts";
import { BlockWriter } from "../../src/changes/block-writer.ts";
import { Reconciler } from "../../src/changes/reconciler.ts";
import { systemClock } from "../../src/clock.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ALICE, NOBODY } from "../support/seed-users.ts";
import { startChangeService, uin } from "../support/start-change-service.ts";

const PHONE_ON = { phone: true, stoken: true, wechat: false };

/** A change as a replica leaves it that died after putting it on record, and a reconciler that finds it. */
async function startWithOpenChange(opUin = ALICE, approvalMs?: number) {
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
    before: {},
    sent: { opUin, login: PHONE_ON },
    leaseMs: 0,
    approvalMs,
  };
  const { id } = await log.begin(intent, { knownLatest: undefined, ageMs: 0 });
  const clock = systemClock;
  const writer = new BlockWriter({ cam: client, clock });
  const account = { name: "default", writer };
  const reconciler = new Reconciler({ log, account, clock, deadlineMs: 1_000 });
  const approvals = new ApprovalLog({ database, replica: "another" });
  return { cam, log, approvals, id, reconciler, intent, found: () => log.find(id) };
}

test("an open change that CAM has taken is settled as applied", async () => {
  const { cam, reconciler, found } = await startWithOpenChange();
  cam.putUser({ uin: ALICE, loginFlag: { Phone: 1, Stoken: 1, Wechat: 0 } });
  expect(await reconciler.settleDue()).toBe(1);
  expect(await found()).toMatchObject({ status: "applied", resolvedBy: "READ_BACK", seq: "1" });
});

test("an open change that CAM has not taken is settled as refused, and is not sent", async () => {
  const { cam, reconciler, found } = await startWithOpenChange();
  await reconciler.settleDue();
  expect(await found()).toMatchObject({
    status: "refused",
    code: "CHANGE_NOT_APPLIED",
    resolvedBy: "READ_BACK",
  });
  expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
});

test("an open change of a user who is gone is settled as refused", async () => {
  const { reconciler, found } = await startWithOpenChange(NOBODY);
  await reconciler.settleDue();
  expect(await found()).toMatchObject({ status: "refused", code: "USER_NOT_EXIST" });
});

test("a change whose user cannot be read is unknown, keeps nobody out, and is looked at again", async () => {
  const { cam, log, intent, reconciler, found } = await startWithOpenChange();
  cam.addFault({ kind: "cutBefore", action: "DescribeSafeAuthFlagColl" });
  await reconciler.settleDue();
  expect(await found()).toMatchObject({ status: "unknown", code: "OUTCOME_UNKNOWN", seq: undefined });
  const next = await log.begin({ ...intent, requestHash: "other" }, { knownLatest: undefined, ageMs: 0 });
  expect(next.kind).not.toBe("BUSY");
});

test("an unknown change that a later one has written over stays unknown for ever", async () => {
  const { log, id, intent, reconciler, found } = await startWithOpenChange();
  await log.settle(id, {
    status: "unknown",
    code: "OUTCOME_UNKNOWN",
    attempts: 1,
    quotaWaitMs: 0,
    lookAgainAfterMs: 0,
  });
  const later = await log.begin(
    { ...intent, requestHash: "other", leaseMs: 60_000 },
    { knownLatest: id, ageMs: 0 },
  );
  expect(later.kind).toBe("BEGUN");
  await reconciler.settleDue();
  expect(await found()).toMatchObject({ status: "unknown", seq: "1" });
});

test.each([
  ["taken", 1 as const, { status: "applied" }],
  ["not taken", 0 as const, { status: "refused", code: "CHANGE_NOT_APPLIED" }],
])("a change whose approver's replica died is settled as CAM has %s it", async (_case, Phone, settled) => {
  const { cam, approvals, log, id, intent, reconciler, found } = await startWithOpenChange(ALICE, 60_000);
  const other = { ...intent, requestHash: "other", approvalMs: undefined };
  const { id: between } = await log.begin(other, { knownLatest: undefined, ageMs: 0 });
  await log.settle(between, { status: "applied", resolvedBy: "REPLY", attempts: 1, quotaWaitMs: 0 });
  const by = { subject: "bob", client: undefined, issuer: undefined };
  const approval = { ...intent, by, gatewayRequestId: "request-2" };
  const verdict = await approvals.approve(id, approval, { knownLatest: between, ageMs: 0 });
  expect(verdict.kind).toBe("BEGUN");
  cam.putUser({ uin: ALICE, loginFlag: { Phone, Stoken: 1, Wechat: 0 } });
  expect(await reconciler.settleDue()).toBe(1);
  expect(await found()).toMatchObject({
    ...settled,
    resolvedBy: "READ_BACK",
    approval: { decision: { kind: "approved", by } },
    seq: "2",
  });
});

test("a change that nobody approved in time is settled as refused, without asking CAM", async () => {
  const { cam, reconciler, found } = await startWithOpenChange(ALICE, 0);
  expect(await reconciler.settleDue()).toBe(1);
  expect(await found()).toMatchObject({ status: "refused", code: "APPROVAL_EXPIRED", seq: "1" });
  expect(cam.journal()).toEqual([]);
});

test("a change that still awaits approval is left alone", async () => {
  const { reconciler, found } = await startWithOpenChange(ALICE, 60_000);
  expect(await reconciler.settleDue()).toBe(0);
  expect(await found()).toMatchObject({ status: "awaiting_approval" });
});

test("what is settled is not looked at again", async () => {
  const { reconciler } = await startWithOpenChange();
  expect(await reconciler.settleDue()).toBe(1);
  expect(await reconciler.settleDue()).toBe(0);
});
