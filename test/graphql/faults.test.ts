import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FaultInput } from "../../src/emulator/index.ts";
import { ALICE, HEIDI } from "../support/seed-users.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

const quick = { CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "6000" };
/** For changes that succeed. `beforeEach` restores the emulator's users for the next test. */
let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway({ ...UNLIMITED, env: { ...UNLIMITED.env, ...quick } });
});

beforeEach(() => shared.cam.reset());

const SET = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy camRequestId } }`;

type Spoilt = FaultInput & {
  kind: Exclude<
    FaultInput["kind"],
    "throttle" | "delay" | "staleRead" | "oddList" | "cutBefore" | "cutAfter"
  >;
};

/** Replies that do not show whether the change took effect. */
const spoilt: readonly (readonly [what: string, fault: Spoilt])[] = [
  ["HTTP 500", { kind: "httpStatus", status: 500 }],
  ["HTTP 503", { kind: "httpStatus", status: 503 }],
  ["HTTP 429", { kind: "httpStatus", status: 429 }],
  ["HTTP 302", { kind: "httpStatus", status: 302 }],
  ["an HTML page", { kind: "htmlBody" }],
  ["an empty body", { kind: "emptyBody" }],
  ["{}", { kind: "emptyObject" }],
  ["garbage", { kind: "garbageBody" }],
  ["truncated JSON", { kind: "truncatedJson" }],
  ["20 MB", { kind: "hugeBody" }],
  ["another content type", { kind: "wrongContentType" }],
  ["InternalError", { kind: "camError", code: "InternalError" }],
  ["ServiceUnavailable", { kind: "camError", code: "ServiceUnavailable" }],
  ["silence", { kind: "silence" }],
];

describe.each(spoilt)("a write whose first reply is %s", (_what, fault) => {
  test("is found by a read-back if CAM applied it, and is not repeated", async () => {
    const started = shared;
    started.cam.addFault({ ...fault, apply: true, action: "SetMfaFlag", times: 1 });
    const { status, data, errors } = await started.send(SET);
    expect({ status, errors }).toEqual({ status: 200, errors: [] });
    expect(data).toMatchObject({ setSubUserMfa: { resolvedBy: "READ_BACK" } });
    await expectDone(started, 1);
  });

  test("is repeated if CAM did not apply it", async () => {
    const started = shared;
    started.cam.addFault({ ...fault, apply: false, action: "SetMfaFlag", times: 1 });
    const { data, errors } = await started.send(SET);
    expect(errors).toEqual([]);
    expect(data).toMatchObject({ setSubUserMfa: { resolvedBy: "REPLY", camRequestId: expect.any(String) } });
    await expectDone(started, 2);
  });
});

describe("a write whose connection ends", () => {
  test.each([
    ["after CAM applied it is found by a read-back", "cutAfter", "READ_BACK", 1],
    ["before CAM applied it is repeated", "cutBefore", "REPLY", 2],
  ] as const)("%s", async (_case, kind, resolvedBy, calls) => {
    const started = shared;
    started.cam.addFault({ kind, action: "SetMfaFlag", times: 1 });
    expect((await started.send(SET)).data).toMatchObject({ setSubUserMfa: { resolvedBy } });
    await expectDone(started, calls);
  });

  test("returns the request id of the read-back, for CAM's support", async () => {
    const started = shared;
    started.cam.addFault({ kind: "cutAfter", action: "SetMfaFlag", times: 1 });
    const { data } = await started.send(SET);
    const reading = started.cam.journal({ action: "DescribeSafeAuthFlagColl" }).at(-1);
    expect(data).toEqual({ setSubUserMfa: { resolvedBy: "READ_BACK", camRequestId: reading?.requestId } });
  });
});

describe.concurrent("a write that always fails", () => {
  const impatient = { CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "4000" };
  let started: StartedGateway;

  beforeAll(async () => {
    started = await startGateway({ ...UNLIMITED, env: { ...UNLIMITED.env, ...impatient } });
  });

  test.each([
    ["HTTP 500", { kind: "httpStatus", status: 500 }],
    ["HTTP 429", { kind: "httpStatus", status: 429 }],
    ["an HTML page", { kind: "htmlBody" }],
    ["an empty body", { kind: "emptyBody" }],
    ["{}", { kind: "emptyObject" }],
    ["truncated JSON", { kind: "truncatedJson", apply: false }],
    ["20 MB", { kind: "hugeBody" }],
    ["another content type", { kind: "wrongContentType", apply: false }],
    ["InternalError", { kind: "camError", code: "InternalError" }],
    ["a cut connection", { kind: "cutBefore" }],
    ["silence", { kind: "silence" }],
  ] as const)("with %s has an unknown outcome after at most four calls", async (_what, fault) => {
    const [opUin, other] = [newUser(started), newUser(started)];
    const { id } = started.cam.addFault({ ...fault, action: "SetMfaFlag", opUin });
    const { status, errors } = await started.send(SET.replace(ALICE, opUin));
    expect(status).toBe(200);
    expect(errors).toMatchObject([
      {
        path: ["setSubUserMfa"],
        extensions: { code: "OUTCOME_UNKNOWN", changeId: expect.any(String), opUin },
      },
    ]);
    const calls = started.cam.journal({ action: "SetMfaFlag", opUin }).length;
    expect(calls).toBeGreaterThanOrEqual(1);
    expect(calls).toBeLessThanOrEqual(4);
    expect(started.cam.user(opUin)?.loginFlag.Phone).toBe(0);
    started.cam.clearFaults(id);
    for (const user of [opUin, other]) await expectWorks(started, user);
  });
});

describe("a read before the write", () => {
  test.each([
    ["HTTP 500", { kind: "httpStatus", status: 500 }],
    ["an HTML page", { kind: "htmlBody" }],
    ["a cut connection", { kind: "cutBefore" }],
    ["InternalError", { kind: "camError", code: "InternalError" }],
    ["RequestLimitExceeded", { kind: "throttle" }],
    ["silence", { kind: "silence" }],
  ] as const)("that fails one time with %s is repeated", async (_what, fault) => {
    const started = shared;
    started.cam.addFault({ ...fault, action: "DescribeSafeAuthFlagColl", times: 1 });
    expect((await started.send(SET)).errors).toEqual([]);
    await expectDone(started, 1);
  });

  test("that never succeeds ends the change without a write", async () => {
    const started = await startGateway({ env: quick });
    started.cam.addFault({ kind: "htmlBody", action: "DescribeSafeAuthFlagColl" });
    const { errors } = await started.send(SET);
    expect(errors).toMatchObject([{ extensions: { code: "CAM_BAD_RESPONSE" } }]);
    expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
  });
});

test("a lasting throttle is a typed error with the time to wait", async () => {
  const started = await startGateway({ env: quick });
  const { id } = started.cam.addFault({ kind: "throttle", action: "SetMfaFlag" });
  const { errors } = await started.send(SET);
  expect(errors).toMatchObject([{ extensions: { code: "CAM_RATE_LIMITED", retryAfterMs: 1_000 } }]);
  started.cam.clearFaults(id);
  await expectWorks(started);
});

test("a change succeeds after a short throttle", async () => {
  const started = await startGateway();
  started.cam.addFault({ kind: "throttle", action: "SetMfaFlag", times: 2 });
  expect((await started.send(SET)).data).toMatchObject({ setSubUserMfa: { resolvedBy: "REPLY" } });
  await expectDone(started, 3);
});

test("a wrong key is reported as such, and the gateway sends no write with it", async () => {
  const started = await startGateway({ env: { TENCENTCLOUD_SECRET_KEY: "WrongSecretKey" } });
  const { errors, text } = await started.send(SET);
  expect(errors).toMatchObject([
    {
      extensions: {
        code: "CAM_CREDENTIALS_REJECTED",
        category: "MISCONFIGURED",
        cam: { code: "AuthFailure.SignatureFailure" },
      },
    },
  ]);
  expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
  for (const output of [text, ...started.logLines]) expect(output).not.toContain("WrongSecretKey");
});

test.each([10 * 60_000, -10 * 60_000])(
  "a clock that is off by %i ms is corrected by CAM's clock",
  async (offsetMs) => {
    const started = await startGateway();
    started.cam.setClock({ offsetMs });
    expect((await started.send(SET)).data).toMatchObject({ setSubUserMfa: { resolvedBy: "REPLY" } });
    await expectDone(started, 1);
  },
);

let users = 0;

function newUser({ cam }: StartedGateway): string {
  users += 1;
  const uin = String(100021999000 + users);
  cam.putUser({ uin, name: uin, phone: "13800000000" });
  return uin;
}

/** Expects the change in CAM after exactly `calls` writes, and a gateway that still works. */
async function expectDone(started: StartedGateway, calls: number): Promise<void> {
  expect(started.cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 0 });
  expect(started.cam.counters()["SetMfaFlag"]?.received).toBe(calls);
  await expectWorks(started);
}

async function expectWorks({ send, cam }: StartedGateway, opUin = HEIDI): Promise<void> {
  const next = await send(
    `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy } }`,
  );
  expect(next).toMatchObject({ status: 200, errors: [], data: { setSubUserMfa: { resolvedBy: "REPLY" } } });
  expect(cam.user(opUin)?.loginFlag.Phone).toBe(1);
}
