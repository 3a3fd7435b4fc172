import { expect, test } from "vitest";
import { requestedOperations } from "../../src/changes/change-access.ts";
import type { MfaChangeRequest } from "../../src/changes/mfa-change.ts";
import { ALICE } from "../support/seed-users.ts";
import { changeOf } from "../support/start-change-service.ts";

test.each<[string, Omit<Partial<MfaChangeRequest>, "opUin">, readonly string[]]>([
  ["one method", { login: { phone: true } }, ["login.phone.on"]],
  ["off", { action: { wechat: false } }, ["action.wechat.off"]],
  [
    "what is left alone is not asked for",
    { login: { phone: true, stoken: undefined }, action: {} },
    ["login.phone.on"],
  ],
  [
    "everything of both",
    {
      login: { phone: true, stoken: false, wechat: true },
      action: { phone: false, stoken: true, wechat: false },
    },
    [
      "login.phone.on",
      "login.stoken.off",
      "login.wechat.on",
      "action.phone.off",
      "action.stoken.on",
      "action.wechat.off",
    ],
  ],
  [
    "accepting that other methods are lost switches them off, where the protection is written at all",
    { login: { phone: true }, overwriteOtherMethods: true },
    ["login.phone.on", "login.other.off"],
  ],
  [
    "of both protections where both are",
    { login: { phone: true }, action: { phone: true }, overwriteOtherMethods: true },
    ["login.phone.on", "login.other.off", "action.phone.on", "action.other.off"],
  ],
])("%s", (_what, methods, switches) => {
  expect(requestedOperations(changeOf(ALICE, methods))).toEqual(switches);
});
