import { describe, expect, test } from "vitest";
import { Accounts } from "../../src/auth/accounts.ts";
import type { Slot, SlotRequest } from "../../src/cam/index.ts";
import type { ChangeAccount } from "../../src/changes/change-access.ts";
import { PausedCallers } from "../../src/changes/change-access.ts";
import { ChangeService } from "../../src/changes/change-service.ts";
import { RecentWrites } from "../../src/changes/changes-of-user.ts";
import { Failure } from "../../src/changes/failure.ts";
import { GatewayError } from "../../src/contract/index.ts";
import { RecordingQuota } from "../support/create-cam.ts";
import { JumpingClock } from "../support/fake-clock.ts";
import { ALICE, BOB, HEIDI } from "../support/seed-users.ts";
import { changeOf, startChangeService, within } from "../support/start-change-service.ts";

const phoneOn = changeOf(ALICE, { login: { phone: true } });

describe("the same change in flight", () => {
  test("is joined: one write, the same outcome for all requests, and a report for each", async () => {
    const { changes, cam, reports } = await startChangeService();
    const outcomes = await Promise.all([1, 2, 3].map(() => changes.setSubUserMfa(phoneOn, within(5_000))));
    expect(new Set(outcomes.map(({ camRequestId }) => camRequestId)).size).toBe(1);
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(1);
    expect(reports.map(({ shared }) => shared).sort()).toEqual([false, true, true]);
  });

  test("shares its failure too", async () => {
    const { changes, cam } = await startChangeService();
    const change = changeOf(BOB, { login: { phone: true } });
    const results = await Promise.allSettled([1, 2].map(() => changes.setSubUserMfa(change, within(5_000))));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(1);
  });

  test("is made again after it has ended", async () => {
    const { changes, cam } = await startChangeService();
    await changes.setSubUserMfa(phoneOn, within(5_000));
    await changes.setSubUserMfa(phoneOn, within(5_000));
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(2);
  });

  test.each([
    ["another value", { login: { phone: false } }],
    ["another protection", { action: { phone: true } }],
    ["one more method", { login: { phone: true, wechat: true } }],
    ["permission to overwrite", { login: { phone: true }, overwriteOtherMethods: true }],
  ])("is a different change with %s", async (_case, other) => {
    const { changes, cam } = await startChangeService();
    const requests = [phoneOn, changeOf(ALICE, other)];
    await Promise.all(requests.map((request) => changes.setSubUserMfa(request, within(5_000))));
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(2);
  });
});

describe("different changes of one user", () => {
  test("run one after the other, so that both take effect", async () => {
    const { changes, cam } = await startChangeService();
    const requests = [{ phone: true }, { stoken: true }, { wechat: false }].map((login) =>
      changeOf(HEIDI, { login }),
    );
    await Promise.all(requests.map((request) => changes.setSubUserMfa(request, within(5_000))));
    expect(cam.user(HEIDI)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 0 });
    expect(cam.journal({ opUin: HEIDI }).map(({ action }) => action)).toEqual(
      requests.flatMap(() => ["DescribeSafeAuthFlagColl", "SetMfaFlag"]),
    );
  });

  test("are refused with CHANGE_IN_PROGRESS at their deadline, without a call to CAM", async () => {
    const { changes, cam, gate } = await startChangeService();
    const held = gate.hold("SetMfaFlag");
    const first = changes.setSubUserMfa(phoneOn, within(5_000));
    await held.arrived;
    const second = changes.setSubUserMfa(changeOf(ALICE, { login: { phone: false } }), within(20));
    await expect(second).rejects.toMatchObject({ code: "CHANGE_IN_PROGRESS", opUin: ALICE });
    const third = changes.setSubUserMfa(changeOf(ALICE, { action: { phone: true } }), within(5_000));
    held.release();
    await Promise.all([first, third]);
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(2);
    expect(cam.user(ALICE)).toMatchObject({ loginFlag: { Phone: 1 }, actionFlag: { Phone: 1 } });
  });
});

describe("a lost reply", () => {
  test("is not reported as a retryable error while the request may still arrive", async () => {
    const { changes, cam } = await startChangeService({ timeoutMs: 500 });
    // CAM never answers the first request, and throttles the later ones until the deadline.
    cam.addFault({ kind: "silence", action: "SetMfaFlag", times: 1 });
    cam.addFault({ kind: "throttle", action: "SetMfaFlag" });
    await expect(changes.setSubUserMfa(phoneOn, within(3_000))).rejects.toMatchObject({
      ...{ code: "OUTCOME_UNKNOWN", opUin: ALICE },
      changeId: expect.any(String),
    });
  });

  test("is not settled by CAM's refusal of the repetition, which proves nothing about the first request", async () => {
    const { changes, cam } = await startChangeService({ timeoutMs: 500 });
    cam.addFault({ kind: "silence", action: "SetMfaFlag", times: 1 });
    const change = changeOf(BOB, { login: { phone: true } });
    await expect(changes.setSubUserMfa(change, within(5_000))).rejects.toMatchObject({
      code: "OUTCOME_UNKNOWN",
      changeId: expect.any(String),
      cam: { code: "FailedOperation.UserNotBindPhone", action: "SetMfaFlag" },
    });
  });

  test("leaves the outcome unknown if the read-back fails too, with both reasons as the cause", async () => {
    const { changes, cam } = await startChangeService({ timeoutMs: 500 });
    cam.addFault({ kind: "cutAfter", action: "SetMfaFlag" });
    cam.addFault({ kind: "httpStatus", status: 503, action: "DescribeSafeAuthFlagColl", skip: 1 });
    const error = await changes.setSubUserMfa(phoneOn, within(3_000)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    const { cause } = error as Failure;
    expect(cause).toBeInstanceOf(GatewayError);
    expect(cause).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect((cause as GatewayError).cause).toMatchObject({
      errors: [{ kind: "CONNECTION_LOST" }, { kind: "BAD_RESPONSE" }],
    });
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(1);
  });
});

describe("a report", () => {
  test("has the sent flag sets and the outcome", async () => {
    const { changes, reports } = await startChangeService();
    await changes.setSubUserMfa(phoneOn, within(5_000, "request-1"));
    expect(reports).toEqual([
      {
        request: phoneOn,
        context: expect.objectContaining({
          requestId: "request-1",
          caller: { subject: "test", scopes: new Set() },
        }),
        shared: false,
        changeId: expect.any(String),
        flagSets: { opUin: ALICE, login: { phone: true, stoken: true, wechat: false } },
        result: {
          outcome: { changeId: expect.any(String), resolvedBy: "REPLY", camRequestId: expect.any(String) },
        },
        durationMs: expect.any(Number),
      },
    ]);
  });

  test("has no flag sets if the gateway refused the change before it composed them", async () => {
    const { changes, cam, reports } = await startChangeService();
    cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "DescribeSafeAuthFlagColl" });
    await expect(changes.setSubUserMfa(phoneOn, within(5_000))).rejects.toThrow();
    const failure = { code: "CAM_PERMISSION_DENIED" };
    expect(reports).toMatchObject([
      { request: phoneOn, flagSets: undefined, changeId: undefined, result: { error: {}, failure } },
    ]);
  });
});

test("idle() waits for changes under way, and for changes that wait for them", async () => {
  const { changes, cam, gate } = await startChangeService();
  const held = gate.hold("SetMfaFlag");
  const both = [{ phone: true }, { wechat: true }].map((login) =>
    changes.setSubUserMfa(changeOf(ALICE, { login }), within(5_000)),
  );
  await held.arrived;
  const idle = changes.idle().then(() => cam.counters()["SetMfaFlag"]?.applied);
  held.release();
  expect(await idle).toBe(2);
  await Promise.all(both);
});

/** A quota that keeps the stack, with its async frames, of each call that takes a slot. */
class StackQuota extends RecordingQuota {
  readonly stacks = new Map<string, string>();

  override take(request: SlotRequest): Promise<Slot> {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 100;
    this.stacks.set(request.action, new Error().stack ?? "");
    Error.stackTraceLimit = limit;
    return super.take(request);
  }
}

test("the stack at the write has each file of changes/ once, from the service to the client", async () => {
  const quota = new StackQuota();
  const { changes } = await startChangeService({ quota });
  await changes.setSubUserMfa(phoneOn, within(5_000));
  const stack = quota.stacks.get("SetMfaFlag") ?? "";
  const files = [...stack.matchAll(/src\/changes\/([\w-]+\.ts)/g)].map(([, file]) => file);
  expect(files).toEqual(["mfa-flag-client.ts", "change-service.ts"]);
});

/** A service whose record returns the same verdict for each attempt, and the number of reads of the user. */
function startWithVerdict(kind: "STALE" | "BUSY") {
  const clock = new JumpingClock();
  const off = { phone: false, stoken: false, wechat: false };
  let reads = 0;
  const mfaFlags = {
    read: async () => {
      reads += 1;
      return { output: { login: off, action: off }, camRequestId: "r" };
    },
  };
  const account = { name: "default", mfaFlags } as unknown as ChangeAccount;
  const verdict = { kind, id: "0199aaaa-0000-7000-8000-000000000000" };
  const unused = async () => Promise.reject(new Error("Not asked for."));
  const changes = new ChangeService({
    access: {
      authorise: async () => ({ approval: undefined }),
      requireNotGatewayIdentity: async () => undefined,
    },
    accounts: new Accounts([account], () => true),
    changeStore: {
      begin: async () => verdict,
      settle: unused,
      find: async () => ({ status: "applied" }) as never,
      recentWrites: async () => [],
      findByIdempotencyKey: async () => undefined,
    },
    approvalStore: { approve: unused, reject: unused },
    rolloutChangeStore: { begin: unused, reopen: unused },
    pausedCallers: new PausedCallers({ pauses: { isPaused: unused, list: unused, resume: unused } }),
    recentWrites: new RecentWrites(clock),
    clock,
  });
  return { changes, verdict, reads: () => reads };
}

test.each(["STALE", "BUSY"] as const)(
  "a change with the verdict %s each time reads the user five more times, then ends as CHANGE_IN_PROGRESS",
  async (kind) => {
    const { changes, verdict, reads } = startWithVerdict(kind);
    const context = {
      caller: { subject: "test", scopes: new Set<never>() },
      requestId: "r",
      deadlineMs: 15_000,
    };
    await expect(changes.setSubUserMfa(phoneOn, context)).rejects.toMatchObject({
      ...{ code: "CHANGE_IN_PROGRESS", opUin: ALICE, changeId: verdict.id },
    });
    expect(reads()).toBe(6);
  },
);
