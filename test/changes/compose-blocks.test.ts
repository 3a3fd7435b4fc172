import { describe, expect, test } from "vitest";
import type { MfaFlagState, SafeAuthFlags } from "../../src/cam/index.ts";
import { asksForSomething, composeBlocks, matchesBlocks } from "../../src/changes/compose-blocks.ts";
import { ALICE } from "../support/seed-users.ts";
import { changeOf } from "../support/start-change-service.ts";

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

describe("the blocks", () => {
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
  ])("of %j over %j are whole: %j", (login, before, sent) => {
    expect(composeBlocks(changeOf(ALICE, { login }), state(before))).toEqual({ opUin: ALICE, login: sent });
    const action = login;
    expect(composeBlocks(changeOf(ALICE, { action }), state({}, before))).toEqual({
      opUin: ALICE,
      action: sent,
    });
  });

  test("leave out a protection that names no method", () => {
    const request = changeOf(ALICE, { login: { phone: true }, action: { phone: undefined } });
    expect(composeBlocks(request, state({}, { token: true }))).not.toHaveProperty("action");
  });

  test.each(["token", "custom", "mail", "u2fToken", "passkey"] as const)(
    "are not composed over %s, unless the caller says so",
    (method) => {
      const before = state({ [method]: true });
      const change = { login: { phone: true } };
      expect(() => composeBlocks(changeOf(ALICE, change), before)).toThrow(
        expect.objectContaining({
          code: "MFA_METHOD_NOT_WRITABLE",
          message: expect.stringContaining(method),
        }),
      );
      const request = changeOf(ALICE, { ...change, overwriteOtherMethods: true });
      expect(composeBlocks(request, before)).toMatchObject({ login: { phone: true } });
      // The other protection is not touched, so what it uses is in nobody's way.
      expect(composeBlocks(changeOf(ALICE, { action: { phone: true } }), before)).toMatchObject({
        action: {},
      });
    },
  );

  test("are not guessed where CAM did not say what to keep", () => {
    const before = state({ wechat: undefined });
    expect(() => composeBlocks(changeOf(ALICE, { login: { phone: true } }), before)).toThrow(
      expect.objectContaining({ code: "CAM_BAD_RESPONSE" }),
    );
    const all = { phone: true, stoken: false, wechat: false };
    expect(composeBlocks(changeOf(ALICE, { login: all }), before)).toEqual({ opUin: ALICE, login: all });
  });
});

test.each([
  [{}, false],
  [{ login: {} }, false],
  [{ login: { phone: undefined }, action: {} }, false],
  [{ login: { phone: false } }, true],
  [{ action: { wechat: true } }, true],
])("%j asks for something: %s", (methods, expected) => {
  expect(asksForSomething(changeOf(ALICE, methods))).toBe(expected);
});

test.each([
  ["the same", state({ phone: true }), true],
  ["one method of the block apart", state({ phone: true, wechat: true }), false],
  ["not said", state({ phone: true, wechat: undefined }), false],
  ["apart in what was not written", state({ phone: true, token: true }, { phone: true }), true],
])("a user who is %s matches the blocks: %s", (_case, flags, expected) => {
  const blocks = composeBlocks(changeOf(ALICE, { login: { phone: true } }), state({}));
  expect(matchesBlocks(flags, blocks)).toBe(expected);
});
