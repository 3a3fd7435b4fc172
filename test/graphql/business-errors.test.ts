import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  CAM_ERROR_CATALOGUE,
  type CamErrorCode,
  codeForCamCode,
  describeCamError,
} from "../../src/contract/index.ts";
import { expectedCodes, PROVE_NOTHING } from "../contract/cam-codes.ts";
import { pauseQuota } from "../support/alter-rows.ts";
import { expectInBothChannels } from "../support/error-channels.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE, BOB, CAROL, DAVE, ERIN, GRACE, HEIDI, NOBODY } from "../support/seed-users.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

/** Short limits, because the gateway retries some errors until its deadline. */
const quick = { CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "1300" };

let shared: StartedGateway;
/** For errors that the gateway retries. */
let impatient: StartedGateway;

beforeAll(async () => {
  shared = await startGateway(UNLIMITED);
  impatient = await startGateway({ ...UNLIMITED, env: { ...UNLIMITED.env, ...quick } });
});

beforeEach(() => {
  for (const { cam } of [shared, impatient]) cam.reset();
});

let users = 0;

/** Lets CAM answer every write of a new user with the code. Takes as long as the gateway retries. */
async function expectUnknownOutcome(camCode: string, message?: string): Promise<void> {
  users += 1;
  const opUin = String(100021995000 + users);
  shared.cam.putUser({ uin: opUin, name: opUin, phone: "13800000000" });
  shared.cam.addFault({
    ...{ kind: "camError", code: camCode, action: "SetMfaFlag", opUin },
    ...(message !== undefined && { message }),
  });
  const change = { opUin, login: { phone: true } };
  const extensions = await expectInBothChannels(shared, change, "OUTCOME_UNKNOWN");
  expect(extensions).toMatchObject({
    changeId: expect.any(String),
    cam: { code: camCode, action: "SetMfaFlag" },
  });
  if (message !== undefined) expect(JSON.stringify(extensions)).not.toContain(message);
}

describe("the errors that SetMfaFlag documents", () => {
  test.each([
    ["FailedOperation.UserNotBindPhone", "USER_NOT_BIND_PHONE", { opUin: BOB, login: { phone: true } }],
    ["FailedOperation.UserNotBindPhone", "USER_NOT_BIND_PHONE", { opUin: BOB, action: { phone: true } }],
    ["FailedOperation.UserNotBindWechat", "USER_NOT_BIND_WECHAT", { opUin: CAROL, action: { wechat: true } }],
    [
      "FailedOperation.UserUnbindNoPermission",
      "USER_UNBIND_NO_PERMISSION",
      { opUin: DAVE, login: { stoken: false } },
    ],
    ["InvalidParameter.MFATokenError", "MFA_TOKEN_ERROR", { opUin: GRACE, action: { phone: true } }],
  ] as const)("%s is %s by both channels", async (camCode, code, change) => {
    const started = shared;
    const extensions = await expectInBothChannels(started, change, code);
    expect(extensions).toMatchObject({ cam: { code: camCode, action: "SetMfaFlag" } });
    expect(started.cam.counters()["SetMfaFlag"]).toMatchObject({ received: 2, applied: 0 });
  });

  test("ResourceNotFound.UserNotExist is USER_NOT_EXIST, from the read before the write", async () => {
    const started = shared;
    const change = { opUin: NOBODY, login: { phone: true } };
    const extensions = await expectInBothChannels(started, change, "USER_NOT_EXIST");
    expect(extensions).toMatchObject({
      cam: { code: "ResourceNotFound.UserNotExist", action: "DescribeSafeAuthFlagColl" },
    });
    expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("InvalidParameter.UserNotExist is USER_NOT_EXIST too", async () => {
    const started = shared;
    started.cam.putUser({ uin: HEIDI, writeError: { code: "InvalidParameter.UserNotExist" } });
    const change = { opUin: HEIDI, login: { phone: true } };
    const extensions = await expectInBothChannels(started, change, "USER_NOT_EXIST");
    expect(extensions).toMatchObject({
      cam: { code: "InvalidParameter.UserNotExist", action: "SetMfaFlag" },
    });
  });
});

describe("every code that CAM documents", () => {
  const message = "The vendor's own words, which change.";
  /** After a throttle the gateway pauses its calls, so each throttled request has its own gateway. */
  const gatewayFor = async (code: CamErrorCode) => {
    if (code === "CAM_RATE_LIMITED") return startGateway({ env: quick });
    return describeCamError(code).retryable ? impatient : shared;
  };
  /** A code that proves nothing leaves the outcome of a write unknown, so the test uses a read for it. */
  const actionOf = (camCode: string) =>
    PROVE_NOTHING.has(camCode) ? "DescribeSafeAuthFlagColl" : "SetMfaFlag";

  test.each(expectedCodes)("%s is %s by both channels, with the gateway's message", async (camCode, code) => {
    const words = `${message} ${camCode}`;
    const [first, second] = await Promise.all([gatewayFor(code), gatewayFor(code)]);
    for (const { cam } of new Set([first, second])) {
      cam.addFault({ kind: "camError", code: camCode, message: words, action: actionOf(camCode) });
    }
    const change = { opUin: ALICE, login: { phone: true } };
    const extensions = await expectInBothChannels(first, change, code, second);
    expect(extensions).toMatchObject({ cam: { code: camCode, action: actionOf(camCode) } });
    expect(JSON.stringify(extensions)).not.toContain(message);
    expect(first.logLines.join("")).toContain(words);
    expect(first.cam.user(ALICE)?.loginFlag.Phone).toBe(0);
  });

  test("a code that proves nothing leaves the outcome of a write unknown, and the error has the code", async () => {
    await Promise.all([...PROVE_NOTHING].map((camCode) => expectUnknownOutcome(camCode, message)));
  });

  test("together the codes cover every row of the catalogue that has codes of CAM", () => {
    const reached = new Set(expectedCodes.map(([camCode]) => codeForCamCode(camCode)));
    const reachable = CAM_ERROR_CATALOGUE.filter(({ camCodes }) => camCodes.length > 0);
    expect(reachable.map(({ code }) => code).filter((code) => !reached.has(code))).toEqual([]);
  });
});

describe("a code that CAM does not document", () => {
  const unseen = ["Brand.New", "FailedOperations", "x".repeat(300), "Fehler.Ümlaut"];

  test.each(unseen)("%s is CAM_UNKNOWN_ERROR in a read", async (camCode) => {
    shared.cam.addFault({ kind: "camError", code: camCode, action: "DescribeSafeAuthFlagColl" });
    const change = { opUin: ALICE, login: { phone: true } };
    const extensions = await expectInBothChannels(shared, change, "CAM_UNKNOWN_ERROR");
    expect(extensions).toMatchObject({ cam: { code: camCode } });
  });

  test("an undocumented code leaves the outcome of a write unknown, even in a known family", async () => {
    const codes = [...unseen, "FailedOperation.NewOne", "InvalidParameterValue.NewOne"];
    await Promise.all(codes.map((camCode) => expectUnknownOutcome(camCode)));
  });

  test.each([
    ["FailedOperation.NewOne", "CAM_FAILED_OPERATION", "DescribeSafeAuthFlagColl"],
    ["InvalidParameterValue.NewOne", "CAM_INVALID_PARAMETER", "DescribeSafeAuthFlagColl"],
    ["UnauthorizedOperation.CamNoAuth", "CAM_PERMISSION_DENIED", "SetMfaFlag"],
  ] as const)("%s has the code of its family: %s", async (camCode, code, action) => {
    const started = shared;
    started.cam.addFault({ kind: "camError", code: camCode, action });
    await expectInBothChannels(started, { opUin: ALICE, login: { phone: true } }, code);
  });
});

describe("refusals of the gateway", () => {
  test.each([
    ["NOTHING_TO_CHANGE", { opUin: ALICE, login: {} }],
    ["MFA_METHOD_NOT_WRITABLE", { opUin: ERIN, login: { phone: true } }],
  ] as const)("%s comes by both channels, without an error of CAM", async (code, change) => {
    const started = shared;
    expect(await expectInBothChannels(started, change, code)).not.toHaveProperty("cam");
    expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("CAM_BAD_RESPONSE comes by both channels if CAM does not report a method that the write must keep", async () => {
    const started = shared;
    started.cam.putUser({ uin: HEIDI, unreportedMethods: ["Wechat"] });
    const change = { opUin: HEIDI, login: { phone: true } };
    await expectInBothChannels(started, change, "CAM_BAD_RESPONSE");
    expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
  });

  test("QUOTA_EXHAUSTED has the time to wait, and the gateway does not call CAM", async () => {
    const databaseUrl = await createTestPostgres();
    const started = await startGateway({ env: { DATABASE_URL: databaseUrl } });
    await pauseQuota(databaseUrl, "DescribeSafeAuthFlagColl");
    const change = { opUin: HEIDI, login: { phone: true } };
    const extensions = await expectInBothChannels(started, change, "QUOTA_EXHAUSTED");
    expect(extensions["retryAfterMs"]).toBeGreaterThan(0);
    expect(started.cam.counters()["DescribeSafeAuthFlagColl"]).toBeUndefined();
  });
});

test("the thrown error and the data are alike if CAM is unreachable", async () => {
  const started = await startGateway({ env: { ...quick, CAM_ENDPOINT: "http://127.0.0.1:1" } });
  await expectInBothChannels(started, { opUin: ALICE, login: { phone: true } }, "CAM_UNREACHABLE");
});

test("a gateway without a usable key reports that and does not call CAM", async () => {
  const env = { TENCENTCLOUD_SECRET_KEY: "", TENCENTCLOUD_SECRET_KEY_FILE: "/nowhere/key" };
  const started = await startGateway({ env });
  await expectInBothChannels(
    started,
    { opUin: ALICE, login: { phone: true } },
    "CAM_CREDENTIALS_UNAVAILABLE",
  );
  expect(started.cam.journal()).toEqual([]);
  expect(started.logLines.join("")).not.toContain("LocalExampleSecretKey");
});
