import { describe, expect, test } from "vitest";
import { type MfaFlagState, matchesFlagSets, type SafeAuthFlags } from "../../src/cam/index.ts";
import { composeFlagSets, removesLastMethod, requestsAnyMethod } from "../../src/changes/prepare-change.ts";
import { ALICE } from "../support/seed-users.ts";
import { changeOf, uin } from "../support/start-change-service.ts";

const off: MfaFlagState = {
  phone: false,
  token: false,
  stoken: false,
  wechat: false,
  custom: false,
  mail: false,
  u2fToken: false,
  passkey: false,
};
const state = (login: Partial<MfaFlagState>, action: Partial<MfaFlagState> = {}): SafeAuthFlags => ({
  login: { ...off, ...login },
  action: { ...off, ...action },
});

describe("the flag sets", () => {
  test.each([
    [{ phone: true }, {}, { phone: true, stoken: false, wechat: false }],
    [{ phone: true }, { stoken: true }, { phone: true, stoken: true, wechat: false }],
    [{ phone: false }, { phone: true, wechat: true }, { phone: false, stoken: false, wechat: true }],
    [{ stoken: true, wechat: undefined }, { wechat: true }, { phone: false, stoken: true, wechat: true }],
    [
      { phone: false, stoken: false, wechat: false },
      { phone: true },
      { phone: false, stoken: false, wechat: false },
    ],
  ])("of %j over %j are complete: %j", (login, before, sent) => {
    expect(composeFlagSets(changeOf(ALICE, { login }), state(before))).toEqual({ opUin: ALICE, login: sent });
    const action = login;
    expect(composeFlagSets(changeOf(ALICE, { action }), state({}, before))).toEqual({
      opUin: ALICE,
      action: sent,
    });
  });

  test("omit a protection without a method", () => {
    const request = changeOf(ALICE, { login: { phone: true }, action: { phone: undefined } });
    expect(composeFlagSets(request, state({}, { token: true }))).not.toHaveProperty("action");
  });

  test.each(["token", "custom", "mail", "u2fToken", "passkey"] as const)(
    "are not composed over %s, unless the caller accepts its loss",
    (method) => {
      const before = state({ [method]: true });
      const change = { login: { phone: true } };
      expect(() => composeFlagSets(changeOf(ALICE, change), before)).toThrow(
        expect.objectContaining({
          code: "MFA_METHOD_NOT_WRITABLE",
          message: expect.stringContaining(method),
        }),
      );
      const request = changeOf(ALICE, { ...change, overwriteOtherMethods: true });
      expect(composeFlagSets(request, before)).toMatchObject({ login: { phone: true } });
      // The write does not touch the other protection, so its methods do not matter.
      expect(composeFlagSets(changeOf(ALICE, { action: { phone: true } }), before)).toMatchObject({
        action: {},
      });
    },
  );

  test("are refused if CAM did not report a method to keep", () => {
    const before = state({ wechat: undefined });
    expect(() => composeFlagSets(changeOf(ALICE, { login: { phone: true } }), before)).toThrow(
      expect.objectContaining({ code: "CAM_BAD_RESPONSE" }),
    );
    const all = { phone: true, stoken: false, wechat: false };
    expect(composeFlagSets(changeOf(ALICE, { login: all }), before)).toEqual({ opUin: ALICE, login: all });
  });
});

test.each([
  [{}, false],
  [{ login: {} }, false],
  [{ login: { phone: undefined }, action: {} }, false],
  [{ login: { phone: false } }, true],
  [{ action: { wechat: true } }, true],
])("%j names a method: %s", (methods, expected) => {
  expect(requestsAnyMethod(changeOf(ALICE, methods))).toBe(expected);
});

test.each([
  ["equal", state({ phone: true }), true],
  ["different in one method of the flag set", state({ phone: true, wechat: true }), false],
  ["unreported in one method", state({ phone: true, wechat: undefined }), false],
  ["different only in unwritten methods", state({ phone: true, token: true }, { phone: true }), true],
])("a user who is %s matches the flag sets: %s", (_case, flags, expected) => {
  const flagSets = composeFlagSets(changeOf(ALICE, { login: { phone: true } }), state({}));
  expect(matchesFlagSets(flags, flagSets)).toBe(expected);
});

const NONE: MfaFlagState = { ...off, passkey: undefined };
const PHONE = { ...NONE, phone: true };
const U2F = { ...NONE, u2fToken: true };
const NOT_SAID = { ...NONE, phone: undefined };
const OFF = { phone: false, stoken: false, wechat: false };
const STOKEN_ON = { ...OFF, stoken: true };

test.each([
  ["the only one", PHONE, NONE, { login: OFF }, true],
  ["the only one, of operation protection", NONE, PHONE, { action: OFF }, true],
  ["both at once", PHONE, PHONE, { login: OFF, action: OFF }, true],
  ["the only one that a write cannot express", U2F, NONE, { login: OFF }, true],
  ["one that CAM did not report", NOT_SAID, NONE, { login: OFF }, true],
  ["one in exchange for another", PHONE, NONE, { login: STOKEN_ON }, false],
  ["one while the other protection keeps one", PHONE, PHONE, { login: OFF }, false],
  ["one while the other protection keeps one that a write cannot express", PHONE, U2F, { login: OFF }, false],
  ["none, from a user without any", NONE, NONE, { login: OFF, action: OFF }, false],
] as const)("switching off %s", (_case, login, action, flagSets, isLast) => {
  expect(removesLastMethod({ login, action }, { opUin: uin(ALICE), ...flagSets })).toBe(isLast);
});
