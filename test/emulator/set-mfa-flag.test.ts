import { expect, test } from "vitest";
import { callCam, codeOf } from "./call-cam.ts";
import { startEmulator } from "./start-emulator.ts";

const [ALICE, BOB, CAROL, DAVE] = [100021969091, 100021969092, 100021969093, 100021969094];
const [ERIN, FRANK, GRACE, HEIDI] = [100021969095, 100021969096, 100021969097, 100021969098];
const MFA_KEY = { secretId: "AKIDMFAREQUIREDEXAMPLE", secretKey: "LocalExampleMfaRequiredKey" };

const REFUSALS: [what: string, parameters: object, code: string][] = [
  [
    "phone without a bound phone",
    { OpUin: BOB, LoginFlag: { Phone: 1 } },
    "FailedOperation.UserNotBindPhone",
  ],
  [
    "phone in the action flag set",
    { OpUin: BOB, ActionFlag: { Phone: 1 } },
    "FailedOperation.UserNotBindPhone",
  ],
  [
    "WeChat without a bound WeChat",
    { OpUin: CAROL, LoginFlag: { Wechat: 1 } },
    "FailedOperation.UserNotBindWechat",
  ],
  [
    "WeChat in the action flag set",
    { OpUin: CAROL, ActionFlag: { Wechat: 1 } },
    "FailedOperation.UserNotBindWechat",
  ],
  ["a locked user", { OpUin: DAVE, LoginFlag: { Stoken: 0 } }, "FailedOperation.UserUnbindNoPermission"],
  ["a user that demands MFA", { OpUin: GRACE, LoginFlag: { Stoken: 1 } }, "InvalidParameter.MFATokenError"],
  [
    "a user not in the account",
    { OpUin: 100021969099, LoginFlag: { Stoken: 1 } },
    "ResourceNotFound.UserNotExist",
  ],
  [
    "a Uin of another account",
    { OpUin: 999999999999, LoginFlag: { Stoken: 1 } },
    "InvalidParameter.UserNotExist",
  ],
  ["Uin 0", { OpUin: 0, LoginFlag: { Stoken: 1 } }, "InvalidParameter.UserNotExist"],
];

test.each(REFUSALS)("a write for %s changes nothing: %#", async (_what, parameters, code) => {
  const emulator = await startEmulator();
  const before = emulator.control.users();
  const response = await callCam(emulator, "SetMfaFlag", parameters);
  expect(response).toEqual({
    Error: { Code: code, Message: expect.any(String) },
    RequestId: expect.any(String),
  });
  expect(emulator.control.users()).toEqual(before);
});

test("a key that demands MFA may read but not write", async () => {
  const emulator = await startEmulator();
  const write = { OpUin: ALICE, LoginFlag: { Stoken: 1 } };
  expect(await codeOf(emulator, "SetMfaFlag", write, MFA_KEY)).toBe("InvalidParameter.MFATokenError");
  expect(await codeOf(emulator, "DescribeSafeAuthFlagColl", { SubUin: ALICE }, MFA_KEY)).toBe("Success");
});

test("every seeded write error is returned for its user", async () => {
  const emulator = await startEmulator();
  emulator.control.putUser({
    uin: String(HEIDI),
    writeError: { code: "FailedOperation.Odd", message: "odd" },
  });
  const { Error: error } = await callCam(emulator, "SetMfaFlag", { OpUin: HEIDI, LoginFlag: { Stoken: 1 } });
  expect(error).toEqual({ Code: "FailedOperation.Odd", Message: "odd" });
});

test("Stoken can be switched on without a device, which the user binds later", async () => {
  const emulator = await startEmulator();
  expect(await codeOf(emulator, "SetMfaFlag", { OpUin: BOB, LoginFlag: { Stoken: 1 } })).toBe("Success");
});

test("one call sets both flag sets of a user with a bound phone and WeChat", async () => {
  const emulator = await startEmulator();
  const parameters = {
    OpUin: ALICE,
    LoginFlag: { Phone: 1, Stoken: 0, Wechat: 0 },
    ActionFlag: { Phone: 0, Stoken: 0, Wechat: 1 },
  };
  expect(await callCam(emulator, "SetMfaFlag", parameters)).toEqual({ RequestId: expect.any(String) });
  expect(emulator.control.user(String(ALICE))).toMatchObject({
    loginFlag: { Phone: 1, Stoken: 0, Wechat: 0 },
    actionFlag: { Phone: 0, Stoken: 0, Wechat: 1 },
  });
});

test("a flag set that is left out stays unchanged", async () => {
  const emulator = await startEmulator();
  await callCam(emulator, "SetMfaFlag", { OpUin: CAROL, LoginFlag: { Phone: 0, Stoken: 1, Wechat: 0 } });
  expect(emulator.control.user(String(CAROL))).toMatchObject({
    loginFlag: { Phone: 0, Stoken: 1 },
    actionFlag: { Phone: 1 },
  });
});

test("without a flag set the call succeeds and changes nothing", async () => {
  const emulator = await startEmulator();
  const before = emulator.control.users();
  expect(await codeOf(emulator, "SetMfaFlag", { OpUin: ALICE })).toBe("Success");
  expect(emulator.control.users()).toEqual(before);
  expect(emulator.control.journal()).toMatchObject([{ outcome: "Success", applied: false }]);
});

test("an integer left out of a flag set is 0, or unchanged if so configured", async () => {
  const partial = { OpUin: ALICE, LoginFlag: { Phone: 1 } };
  const zero = await startEmulator();
  await callCam(zero, "SetMfaFlag", partial);
  expect(zero.control.user(String(ALICE))?.loginFlag).toMatchObject({ Phone: 1, Stoken: 0, Wechat: 0 });
  const unchanged = await startEmulator({ omittedIntegers: "unchanged" });
  await callCam(unchanged, "SetMfaFlag", partial);
  expect(unchanged.control.user(String(ALICE))?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1, Wechat: 0 });
});

test("switching a method on replaces one that a write cannot set", async () => {
  const emulator = await startEmulator();
  await callCam(emulator, "SetMfaFlag", { OpUin: ERIN, LoginFlag: { Phone: 1, Stoken: 0, Wechat: 0 } });
  expect(emulator.control.user(String(ERIN))?.loginFlag).toMatchObject({ Phone: 1, U2FToken: 0 });
});

test("a write of zeros leaves the other methods on", async () => {
  const emulator = await startEmulator();
  await callCam(emulator, "SetMfaFlag", { OpUin: FRANK, ActionFlag: { Phone: 0, Stoken: 0, Wechat: 0 } });
  expect(emulator.control.user(String(FRANK))?.actionFlag).toMatchObject({ Token: 1, Phone: 0 });
});

test("the largest Uin keeps every digit on the wire and in the journal", async () => {
  const emulator = await startEmulator();
  const body = '{"OpUin":18446744073709551615,"LoginFlag":{"Phone":1,"Stoken":0,"Wechat":0}}';
  expect(await codeOf(emulator, "SetMfaFlag", body)).toBe("Success");
  expect(emulator.control.user("18446744073709551615")?.loginFlag.Phone).toBe(1);
  expect(emulator.control.journal({ opUin: "18446744073709551615" })).toHaveLength(1);
  expect(await codeOf(emulator, "SetMfaFlag", body.replace("615,", "614,"))).toBe(
    "ResourceNotFound.UserNotExist",
  );
});
