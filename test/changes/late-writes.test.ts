import { beforeAll, describe, expect, test } from "vitest";
import type { FaultInput } from "../../src/emulator/index.ts";
import { type Reply, type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

/** Longer than any change of this test waits for CAM. */
const LATE_MS = 40_000;

let gateway: StartedGateway;
let users = 0;

beforeAll(async () => {
  gateway = await startGateway({ ...UNLIMITED, env: { ...UNLIMITED.env, CAM_TIMEOUT_MS: "1000" } });
  gateway.cam.setClock({ frozen: true });
});

function addUser(phone: string | null = "13800000000"): string {
  users += 1;
  const uin = String(100021990000 + users);
  gateway.cam.putUser({ uin, name: uin, phone });
  return uin;
}

/** Adds a fault to the writes of the user. Without `more`, CAM never applies them. */
function spoil(opUin: string, fault: FaultInput, more: object = {}): void {
  gateway.cam.addFault({ apply: false, ...fault, ...more, action: "SetMfaFlag", opUin } as FaultInput);
}

async function switchOn(opUin: string, key?: string): Promise<Reply["errors"]> {
  const query = `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy } }`;
  const request = gateway.http.post("/graphql");
  if (key !== undefined) request.set("idempotency-key", key);
  const { body } = await request.send({ query });
  return body.errors ?? [];
}

/** Returns the user's changes on record, the latest first. */
async function recordOf(opUin: string): Promise<readonly object[]> {
  const { data } = await gateway.send(
    `{ mfaChanges(opUin: "${opUin}") { nodes { status code resolvedBy camCode } } }`,
  );
  return (data as { mfaChanges: { nodes: object[] } }).mfaChanges.nodes;
}

const UNKNOWN = { status: "UNKNOWN", code: "OUTCOME_UNKNOWN", resolvedBy: null };

describe.each<readonly [what: string, fault: FaultInput, camCode: string | undefined]>([
  ["HTTP 503", { kind: "httpStatus", status: 503 }, undefined],
  ["truncated JSON", { kind: "truncatedJson" }, undefined],
  ["a body that is not JSON", { kind: "htmlBody" }, undefined],
  ["InternalError", { kind: "camError", code: "InternalError" }, "InternalError"],
  ["FailedOperation", { kind: "camError", code: "FailedOperation" }, "FailedOperation"],
  ["an undocumented code", { kind: "camError", code: "Brand.New" }, "Brand.New"],
])("a write that CAM answers with %s and applies late", (_what, fault, camCode) => {
  test("has an unknown outcome, then is applied, and a repeated key returns the current outcome", async () => {
    const opUin = addUser();
    spoil(opUin, fault, { apply: true, applyAfterMs: LATE_MS });
    const cam = camCode === undefined ? {} : { cam: { code: camCode, action: "SetMfaFlag" } };
    const heard = [{ extensions: { code: "OUTCOME_UNKNOWN", changeId: expect.any(String), opUin, ...cam } }];
    expect(await switchOn(opUin, opUin)).toMatchObject(heard);
    expect(await switchOn(opUin, opUin)).toMatchObject(heard);
    expect(await recordOf(opUin)).toMatchObject([{ ...UNKNOWN, camCode: camCode ?? null }]);
    gateway.cam.setClock({ advanceMs: LATE_MS });
    expect(gateway.cam.user(opUin)?.loginFlag.Phone).toBe(1);
    await expect
      .poll(() => recordOf(opUin), { timeout: 30_000, interval: 200 })
      .toMatchObject([{ status: "APPLIED", code: null, resolvedBy: "READ_BACK" }]);
    expect(await switchOn(opUin, opUin)).toEqual([]);
  });
});

describe.concurrent("the proof that a write was not applied", () => {
  test.each([
    ["AuthFailure.SomethingNew", "CAM_CREDENTIALS_REJECTED"],
    ["UnauthorizedOperation.CamNoAuth", "CAM_PERMISSION_DENIED"],
    ["FailedOperation.UserNotBindWechat", "USER_NOT_BIND_WECHAT"],
    ["InvalidParameter.MFATokenError", "MFA_TOKEN_ERROR"],
    ["ResourceNotFound.UserNotExist", "USER_NOT_EXIST"],
    ["MissingParameter", "CAM_INVALID_PARAMETER"],
  ])("is CAM's %s, to the only request", async (camCode, code) => {
    const opUin = addUser();
    spoil(opUin, { kind: "camError", code: camCode });
    expect(await switchOn(opUin)).toMatchObject([{ extensions: { code } }]);
    expect(await recordOf(opUin)).toEqual([{ status: "REFUSED", code, resolvedBy: "REPLY", camCode }]);
  });

  test.each<readonly [camCode: string, first: FaultInput]>([
    ["AuthFailure.SignatureFailure", { kind: "httpStatus", status: 503 }],
    ["UnauthorizedOperation", { kind: "emptyBody" }],
    ["RequestLimitExceeded", { kind: "camError", code: "InternalError" }],
    ["FailedOperation.UserNotBindPhone", { kind: "htmlBody" }],
    ["ResourceNotFound.UserNotExist", { kind: "silence" }],
  ])("is not CAM's %s to a request after one that may still be applied", async (camCode, first) => {
    const opUin = addUser();
    spoil(opUin, first, { times: 1 });
    spoil(opUin, { kind: "camError", code: camCode });
    expect(await switchOn(opUin)).toMatchObject([
      { extensions: { code: "OUTCOME_UNKNOWN", cam: { code: camCode, action: "SetMfaFlag" } } },
    ]);
    expect(await recordOf(opUin)).toMatchObject([{ ...UNKNOWN, camCode }]);
  });

  test("is CAM's refusal after throttled requests", async () => {
    const opUin = addUser(null);
    gateway.cam.addFault({ kind: "throttle", action: "SetMfaFlag", opUin, times: 2 });
    expect(await switchOn(opUin)).toMatchObject([{ extensions: { code: "USER_NOT_BIND_PHONE" } }]);
    expect(await recordOf(opUin)).toMatchObject([{ status: "REFUSED" }]);
  });
});

test("an unknown change does not block other changes of the user", async () => {
  const opUin = addUser();
  spoil(opUin, { kind: "httpStatus", status: 503 }, { times: 4 });
  expect(await switchOn(opUin)).toMatchObject([{ extensions: { code: "OUTCOME_UNKNOWN" } }]);
  expect(await switchOn(opUin)).toEqual([]);
  expect(await recordOf(opUin)).toMatchObject([{ status: "APPLIED", resolvedBy: "REPLY" }, UNKNOWN]);
});

test("the log reports a change that takes effect after a later one", async () => {
  const opUin = addUser();
  spoil(opUin, { kind: "httpStatus", status: 503 }, { times: 4, apply: true, applyAfterMs: LATE_MS });
  const [lost] = await switchOn(opUin);
  const later = `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: false, stoken: true }) { resolvedBy } }`;
  expect((await gateway.send(later)).errors).toEqual([]);
  gateway.cam.setClock({ advanceMs: LATE_MS });
  await expect
    .poll(() => recordOf(opUin), { timeout: 30_000, interval: 200 })
    .toMatchObject([{ status: "APPLIED" }, { status: "APPLIED", resolvedBy: "READ_BACK" }]);
  const told = gateway.logLines.map((line) => JSON.parse(line)).filter(({ msg }) => /later one/.test(msg));
  expect(told).toMatchObject([{ level: "warn", changeId: lost?.extensions["changeId"], opUin }]);
});
