import { expect, test } from "vitest";
import {
  describeSafeAuthFlagColl,
  describeSubAccounts,
  getCallerIdentity,
  listAccounts,
  listUsers,
  type SetMfaFlagInput,
  setMfaFlag,
} from "../../../src/cam/index.ts";
import { parseExactJson } from "../../../src/cam/protocol.ts";
import type { Uin } from "../../../src/contract/index.ts";

const MAX = "18446744073709551615" as Uin;
const OFF = { phone: false, stoken: false, wechat: false };

test.each([
  [{ opUin: MAX }, '{"OpUin":18446744073709551615}'],
  [
    { opUin: "100021969091" as Uin, login: { ...OFF, stoken: true } },
    '{"OpUin":100021969091,"LoginFlag":{"Phone":0,"Stoken":1,"Wechat":0}}',
  ],
  [
    { opUin: MAX, login: OFF, action: { phone: true, stoken: true, wechat: true } },
    '{"OpUin":18446744073709551615,"LoginFlag":{"Phone":0,"Stoken":0,"Wechat":0},"ActionFlag":{"Phone":1,"Stoken":1,"Wechat":1}}',
  ],
] satisfies [SetMfaFlagInput, string][])(
  "SetMfaFlag sends all three integers of a flag set, and only given flag sets: %#",
  (input, body) => {
    expect(setMfaFlag.serialize(input)).toBe(body);
  },
);

test("the reads send exact integers, and GetCallerIdentity sends an empty object", () => {
  expect(describeSafeAuthFlagColl.serialize({ subUin: MAX })).toBe('{"SubUin":18446744073709551615}');
  expect(describeSubAccounts.serialize({ uins: [MAX, "1" as Uin] })).toBe(
    '{"FilterSubAccountUin":[18446744073709551615,1]}',
  );
  expect(getCallerIdentity.serialize()).toBe("{}");
});

test("a method that CAM does not report is undefined, and any other integer than 0 is on", () => {
  const response = parseExactJson(
    '{"LoginFlag":{"Phone":1,"Token":0,"Stoken":null,"Wechat":2,"Mail":18446744073709551615,"New":7},"ActionFlag":{}}',
  );
  const unknown = {
    phone: undefined,
    token: undefined,
    stoken: undefined,
    wechat: undefined,
    custom: undefined,
    mail: undefined,
    u2fToken: undefined,
    passkey: undefined,
  };
  expect(describeSafeAuthFlagColl.parse(response)).toEqual({
    login: { ...unknown, phone: true, token: false, wechat: true, mail: true },
    action: unknown,
  });
});

test("a profile has exact numbers, and a null, empty or absent field is undefined", () => {
  const response = parseExactJson(
    '{"SubAccounts":[{"Uin":18446744073709551615,"Name":"max","Uid":9007199254740993,"Remark":"","UserType":2,"LastLoginTime":null},{"Uin":"100021969091","Uid":null}]}',
  );
  const empty = {
    name: undefined,
    uid: undefined,
    remark: undefined,
    userType: undefined,
    createTime: undefined,
    lastLoginTime: undefined,
    lastLoginIp: undefined,
  };
  expect(describeSubAccounts.parse(response)).toEqual([
    { ...empty, uin: MAX, name: "max", uid: "9007199254740993", userType: 2 },
    { ...empty, uin: "100021969091" },
  ]);
});

test("every field of an identity is optional", () => {
  const identity = { type: "CAMUser", accountId: undefined, principalId: undefined, arn: undefined };
  expect(getCallerIdentity.parse({ Type: "CAMUser", AccountId: null })).toEqual(identity);
});

test("a list of users merges repeats, drops the Uin 0, and counts entries without a usable Uin", () => {
  const entry = (uin: string, more = "") => `{"Uin":${uin},"Name":"n"${more}}`;
  const data = [
    entry("0"),
    entry("18446744073709551615", ',"PhoneNum":"138","ConsoleLogin":1'),
    entry("7"),
    entry("7", ',"Email":"a@b"'),
    '{"Uin":8}',
    entry("1.5"),
    '{"Name":"no Uin"}',
  ];
  const { users, unusable } = listUsers.parse(parseExactJson(`{"Data":[${data}]}`));
  expect(unusable).toBe(2);
  expect(users).toMatchObject([
    { uin: MAX, name: "n", hasPhone: true, hasEmail: false, consoleLogin: true },
    { uin: "7", hasPhone: false, hasEmail: true, consoleLogin: undefined },
    { uin: "8", name: undefined },
  ]);
  expect(() => listUsers.parse({ Data: null })).toThrow();
});

test("a page of accounts has the marker of the next page unless it is the last one", () => {
  expect(listAccounts.serialize({ marker: undefined })).toBe('{"MaxItems":100,"UserType":"SubUser"}');
  const page = (more: object) => listAccounts.parse({ Users: [{ Uin: 7 }], ...more });
  expect(page({ IsTruncated: true, Marker: "m" })).toMatchObject({ users: [{ uin: "7" }], next: "m" });
  expect(page({ IsTruncated: false, Marker: "m" }).next).toBeUndefined();
  expect(page({}).next).toBeUndefined();
});
