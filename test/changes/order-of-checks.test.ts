import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/contract/index.ts";
import { ALICE, BOB, HEIDI } from "../support/seed-users.ts";
import { changeOf, startChangeService, within } from "../support/start-change-service.ts";

const phoneOn = changeOf(ALICE, { login: { phone: true } });
const READ = "DescribeSafeAuthFlagColl";

/** Access that lets the first authorisations pass and refuses the others. */
function refusingAfter(allowed: number) {
  let asked = 0;
  return {
    authorise: async () => {
      asked += 1;
      if (asked > allowed) throw new GatewayError("FORBIDDEN");
      return { approval: undefined };
    },
    requireNotGatewayIdentity: async () => undefined,
  };
}

function keyed(ms: number, idempotencyKey: string) {
  return { ...within(ms), idempotencyKey };
}

describe("of two refusals that apply to a change", () => {
  test("NOTHING_TO_CHANGE comes before an unknown account, and the account before the policy", async () => {
    const { changes } = await startChangeService({ access: refusingAfter(0) });
    const nothing = changeOf(ALICE, { account: "nowhere", login: {} });
    await expect(changes.setSubUserMfa(nothing, within(5_000))).rejects.toMatchObject({
      code: "NOTHING_TO_CHANGE",
    });
    const elsewhere = changeOf(ALICE, { account: "nowhere", login: { phone: true } });
    await expect(changes.setSubUserMfa(elsewhere, within(5_000))).rejects.toMatchObject({
      code: "UNKNOWN_ACCOUNT",
    });
  });

  test("the policy comes before the same change in flight", async () => {
    const { changes, gate, reports } = await startChangeService({ access: refusingAfter(2) });
    const held = gate.hold("SetMfaFlag");
    const first = changes.setSubUserMfa(phoneOn, within(5_000));
    await held.arrived;
    await expect(changes.setSubUserMfa(phoneOn, within(5_000))).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(reports).toMatchObject([{ shared: false, result: { failure: { code: "FORBIDDEN" } } }]);
    held.release();
    await first;
  });

  test("the policy comes before an idempotency key that is on record", async () => {
    const { changes } = await startChangeService({ access: refusingAfter(2) });
    await changes.setSubUserMfa(phoneOn, keyed(5_000, "key"));
    await expect(changes.setSubUserMfa(phoneOn, keyed(5_000, "key"))).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
  });

  test("the user's queue comes before an idempotency key that is on record", async () => {
    const { changes, gate } = await startChangeService();
    await changes.setSubUserMfa(phoneOn, keyed(5_000, "key"));
    const held = gate.hold("SetMfaFlag");
    const first = changes.setSubUserMfa(changeOf(ALICE, { action: { phone: true } }), within(5_000));
    await held.arrived;
    await expect(changes.setSubUserMfa(phoneOn, keyed(20, "key"))).rejects.toMatchObject({
      code: "CHANGE_IN_PROGRESS",
    });
    held.release();
    await first;
  });

  test("an idempotency key that is on record comes before a pause, and a pause before the read", async () => {
    const { changes, cam, paused } = await startChangeService({ guard: { users: 1, withinMs: 60_000 } });
    await changes.setSubUserMfa(phoneOn, keyed(5_000, "key"));
    const bob = changeOf(BOB, { login: { wechat: false } });
    await expect(changes.setSubUserMfa(bob, within(5_000))).rejects.toMatchObject({ code: "CALLER_PAUSED" });
    expect(paused).toEqual(["test"]);
    const reads = cam.counters()[READ]?.received;
    await expect(changes.setSubUserMfa(bob, within(5_000))).rejects.toMatchObject({ code: "CALLER_PAUSED" });
    expect(cam.counters()[READ]?.received).toBe(reads);
    expect(paused).toEqual(["test"]);
    await expect(changes.setSubUserMfa(phoneOn, keyed(5_000, "key"))).resolves.toMatchObject({
      resolvedBy: "REPLY",
    });
    await expect(
      changes.setSubUserMfa(changeOf(ALICE, { login: { phone: false } }), keyed(5_000, "key")),
    ).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  });

  test("a refusal by a changed policy comes before an unreadable user", async () => {
    const { changes, cam } = await startChangeService({ access: refusingAfter(1) });
    cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: READ });
    await expect(changes.setSubUserMfa(phoneOn, within(5_000))).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("an unreadable user comes before a key that now belongs to the user", async () => {
    const requireNotGatewayIdentity = async () => {
      throw new GatewayError("PROTECTED_USER");
    };
    const access = { authorise: async () => ({ approval: undefined }), requireNotGatewayIdentity };
    const { changes, cam } = await startChangeService({ access });
    cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: READ, times: 1 });
    await expect(changes.setSubUserMfa(phoneOn, within(5_000))).rejects.toThrow();
    await expect(changes.setSubUserMfa(phoneOn, within(5_000))).rejects.toMatchObject({
      code: "PROTECTED_USER",
    });
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("an unwritable method comes before the reason for the last method, and both before a pause", async () => {
    const { changes, cam } = await startChangeService({ guard: { users: 1, withinMs: 60_000 } });
    await changes.setSubUserMfa(changeOf(HEIDI, { login: { phone: true } }), within(5_000));
    cam.putUser({ uin: ALICE, loginFlag: { Token: 1 }, actionFlag: {} });
    const off = { login: { phone: false, stoken: false, wechat: false } };
    await expect(changes.setSubUserMfa(changeOf(ALICE, off), within(5_000))).rejects.toMatchObject({
      code: "MFA_METHOD_NOT_WRITABLE",
    });
    const overwriting = changeOf(ALICE, { ...off, overwriteOtherMethods: true });
    await expect(changes.setSubUserMfa(overwriting, within(5_000))).rejects.toMatchObject({
      code: "REASON_REQUIRED",
    });
  });
});

test("a change is on record before the call to CAM", async () => {
  const { changes, cam, gate, log } = await startChangeService();
  const held = gate.hold("SetMfaFlag");
  const change = changes.setSubUserMfa(phoneOn, within(5_000));
  await held.arrived;
  const [record] = await log.list({}, 1);
  expect(record).toMatchObject({ status: "pending", opUin: ALICE });
  held.release();
  await change;
  expect(cam.counters()["SetMfaFlag"]?.received).toBe(1);
});
