import { expect, test } from "vitest";
import { callCam, codeOf, signedPost } from "./call-cam.ts";
import { sendRaw } from "./send-raw.ts";
import { startEmulator } from "./start-emulator.ts";

test("DescribeSafeAuthFlagColl reports all eight methods of both flag sets", async () => {
  const emulator = await startEmulator();
  expect(await callCam(emulator, "DescribeSafeAuthFlagColl", { SubUin: 100021969095 })).toEqual({
    LoginFlag: { Phone: 0, Token: 0, Stoken: 0, Wechat: 0, Custom: 0, Mail: 0, U2FToken: 1, Passkey: 0 },
    ActionFlag: { Phone: 0, Token: 0, Stoken: 0, Wechat: 0, Custom: 0, Mail: 0, U2FToken: 0, Passkey: 0 },
    OffsiteFlag: { VerifyFlag: 0, NotifyPhone: 0, NotifyEmail: 0, NotifyWechat: 0, Tips: 0 },
    PromptTrust: 0,
    RequestId: expect.any(String),
  });
});

test("methods that CAM does not report are absent, not 0", async () => {
  const emulator = await startEmulator();
  emulator.control.putUser({ uin: "100021969091", unreportedMethods: ["Mail", "U2FToken", "Passkey"] });
  const { LoginFlag } = await callCam(emulator, "DescribeSafeAuthFlagColl", { SubUin: 100021969091 });
  expect(LoginFlag).toEqual({ Phone: 0, Token: 0, Stoken: 1, Wechat: 0, Custom: 0 });
});

test.each([100021969099, 999999999999])("the flags of an unknown user %s are not found", async (uin) => {
  const emulator = await startEmulator();
  expect(await codeOf(emulator, "DescribeSafeAuthFlagColl", { SubUin: uin })).toBe(
    "ResourceNotFound.UserNotExist",
  );
});

test("DescribeSubAccounts omits unknown users, merges repeats and ignores the order of the request", async () => {
  const emulator = await startEmulator();
  const asked = [100021969091, 100021969099, 100021969098, 100021969091, 999999999999];
  const { SubAccounts } = await callCam(emulator, "DescribeSubAccounts", { FilterSubAccountUin: asked });
  expect(SubAccounts).toEqual([
    {
      Uin: 100021969098,
      Name: "heidi",
      Uid: 21969098,
      Remark: "everything off; has never logged in",
      CreateTime: "2024-01-01 08:00:00",
      UserType: 2,
      LastLoginIp: "",
      LastLoginTime: null,
    },
    expect.objectContaining({ Uin: 100021969091, Name: "alice", LastLoginTime: "2026-11-02 09:15:00" }),
  ]);
});

test("DescribeSubAccounts accepts 50 Uins and refuses 51", async () => {
  const emulator = await startEmulator();
  const uins = (count: number) => Array.from({ length: count }, (_, at) => 100021969000 + at);
  expect(await codeOf(emulator, "DescribeSubAccounts", { FilterSubAccountUin: uins(50) })).toBe("Success");
  expect(await codeOf(emulator, "DescribeSubAccounts", { FilterSubAccountUin: uins(51) })).toBe(
    "InvalidParameter",
  );
});

test("a Uin is an exact JSON integer in a reply", async () => {
  const emulator = await startEmulator();
  const request = signedPost(
    emulator,
    "DescribeSubAccounts",
    '{"FilterSubAccountUin":[18446744073709551615]}',
  );
  const reply = await sendRaw(emulator.url, request);
  expect(reply.body.toString()).toContain('"Uin":18446744073709551615,');
});

test("ListUsers returns all users of the account with their bindings", async () => {
  const emulator = await startEmulator();
  const { Data } = (await callCam(emulator, "ListUsers", {})) as unknown as { Data: { Name: string }[] };
  expect(Data).toHaveLength(emulator.control.users().length);
  expect(Data.find(({ Name }) => Name === "bob")).toMatchObject({
    Uin: 100021969092,
    PhoneNum: "",
    ConsoleLogin: 1,
  });
  expect(Data.find(({ Name }) => Name === "carol")).toMatchObject({
    PhoneNum: "13800000093",
    CountryCode: "86",
  });
  expect(Data.find(({ Name }) => Name === "mfa-gateway")).toMatchObject({ ConsoleLogin: 0 });
});

test("GetUser finds a user by name and refuses an unknown name", async () => {
  const emulator = await startEmulator();
  expect(await callCam(emulator, "GetUser", { Name: "heidi" })).toEqual({
    Uin: 100021969098,
    Name: "heidi",
    Uid: 21969098,
    Remark: "everything off; has never logged in",
    ConsoleLogin: 1,
    PhoneNum: "13800000098",
    CountryCode: "86",
    Email: "",
    RecentlyLoginIP: "",
    RecentlyLoginTime: null,
    RequestId: expect.any(String),
  });
  expect(await codeOf(emulator, "GetUser", { Name: "nobody" })).toBe("ResourceNotFound.UserNotExist");
});

test("GetCallerIdentity returns its Uins as strings", async () => {
  const emulator = await startEmulator();
  const options = { version: "2018-08-13", service: "sts" };
  expect(await callCam(emulator, "GetCallerIdentity", {}, options)).toEqual({
    Arn: "qcs::cam:100000000001:uin/100021969090",
    AccountId: "100000000001",
    UserId: "100021969090",
    PrincipalId: "100021969090",
    Type: "CAMUser",
    RequestId: expect.any(String),
  });
});
