import { expect, test } from "vitest";
import type { MfaFlagState } from "../../src/cam/index.ts";
import { turnsOffLastMethod } from "../../src/changes/last-method.ts";
import { ALICE } from "../support/seed-users.ts";
import { uin } from "../support/start-change-service.ts";

const NONE: MfaFlagState = {
  phone: false,
  token: false,
  stoken: false,
  wechat: false,
  custom: false,
  mail: false,
  u2fToken: false,
  passkey: undefined,
};
const PHONE = { ...NONE, phone: true };
const U2F = { ...NONE, u2fToken: true };
const NOT_SAID = { ...NONE, phone: undefined };
const OFF = { phone: false, stoken: false, wechat: false };
const STOKEN_ON = { ...OFF, stoken: true };

test.each([
  ["the only one", PHONE, NONE, { login: OFF }, true],
  ["the only one, of operations", NONE, PHONE, { action: OFF }, true],
  ["both at once", PHONE, PHONE, { login: OFF, action: OFF }, true],
  ["the only one that a write cannot express", U2F, NONE, { login: OFF }, true],
  ["one that CAM did not report", NOT_SAID, NONE, { login: OFF }, true],
  ["one for another", PHONE, NONE, { login: STOKEN_ON }, false],
  ["one while the other protection keeps one", PHONE, PHONE, { login: OFF }, false],
  ["one while the other protection keeps one that a write cannot express", PHONE, U2F, { login: OFF }, false],
  ["none, where there is none", NONE, NONE, { login: OFF, action: OFF }, false],
] as const)("switching off %s", (_case, login, action, flagSets, isLast) => {
  expect(turnsOffLastMethod({ login, action }, { opUin: uin(ALICE), ...flagSets })).toBe(isLast);
});
