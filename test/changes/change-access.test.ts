import { expect, test } from "vitest";
import { requestedSwitches } from "../../src/changes/change-access.ts";
import type { MfaChangeRequest } from "../../src/changes/mfa-change.ts";
import { ALICE } from "../support/seed-users.ts";
import { changeOf } from "../support/start-change-service.ts";

test.each<[string, Omit<Partial<MfaChangeRequest>, "opUin">, readonly string[]]>([
  ["one method", { login: { phone: true } }, ["login.phone.on"]],
  ["off", { action: { wechat: false } }, ["action.wechat.off"]],
  [
    "a method that the request leaves alone is not requested",
    { login: { phone: true, stoken: undefined }, action: {} },
    ["login.phone.on"],
  ],
  [
    "all methods of both protections",
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
    "overwriteOtherMethods switches the other methods off in a protection that is written",
    { login: { phone: true }, overwriteOtherMethods: true },
    ["login.phone.on", "login.other.off"],
  ],
  [
    "overwriteOtherMethods applies to both protections if both are written",
    { login: { phone: true }, action: { phone: true }, overwriteOtherMethods: true },
    ["login.phone.on", "login.other.off", "action.phone.on", "action.other.off"],
  ],
])("%s", (_what, methods, switches) => {
  expect(requestedSwitches(changeOf(ALICE, methods))).toEqual(switches);
});
