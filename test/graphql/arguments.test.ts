import { beforeEach, expect, test } from "vitest";
import { CAROL, HEIDI } from "../support/seed-users.ts";
import { shareGateway, UNLIMITED } from "../support/start-gateway.ts";

const SET = `mutation ($opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput, $reason: String) {
  setSubUserMfa(opUin: $opUin, login: $login, action: $action, reason: $reason) { change { reason } }
}`;

const { send, cam, http } = await shareGateway(UNLIMITED);

/** Switches off the only method of a user whom no other test changes. */
let lastOff: { readonly opUin: string; readonly login: { readonly wechat: false } };
let users = 0;

beforeEach(() => {
  users += 1;
  const uin = String(100021999000 + users);
  cam.putUser({ uin, name: uin, wechatBound: true, loginFlag: { Wechat: 1 } });
  lastOff = { opUin: uin, login: { wechat: false } };
});

test("a change that switches off the last method of a user needs a reason", async () => {
  for (const reason of [undefined, null, "", " \n"]) {
    const { errors } = await send(SET, { ...lastOff, reason });
    expect(errors).toMatchObject([
      {
        message: "This change needs a reason. It switches off the last method of this user.",
        extensions: { code: "REASON_REQUIRED", category: "INPUT", retryable: false, opUin: lastOff.opUin },
      },
    ]);
  }
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
});

test("a reason may contain every script, and the joiners of scripts and emoji", async () => {
  const reason = "می\u200cخواهم \u{1f469}\u200d\u{1f4bb} हिन्दी עברית 手机";
  expect((await send(SET, { ...lastOff, reason })).data).toEqual({ setSubUserMfa: { change: { reason } } });
});

test("a change with a reason switches off the last method, and the record has the reason", async () => {
  const { data } = await send(SET, { ...lastOff, reason: "  The phone was lost. 手机丢了 " });
  expect(data).toEqual({ setSubUserMfa: { change: { reason: "The phone was lost. 手机丢了" } } });
  expect(cam.user(lastOff.opUin)?.loginFlag).toMatchObject({ Wechat: 0 });
});

test("another change needs no reason, and its record has none", async () => {
  for (const change of [
    { opUin: CAROL, login: { phone: false } },
    { opUin: HEIDI, login: { phone: false } },
  ]) {
    expect((await send(SET, change)).data).toEqual({ setSubUserMfa: { change: { reason: null } } });
  }
});

test.each([
  ["of more than 500 characters", "x".repeat(501), "longer than 500 characters"],
  ["with a NUL", "lost\0phone", "U+0000"],
  ["with an escape", "lost \u001b[2J", "U+001B"],
  ["with a C1 control character", "lost \u009b2J", "U+009B"],
  ["with a line feed", "lost\nlevel=error", "U+000A"],
  ["with a tab", "lost\tphone", "U+0009"],
  ["with a delete character", "lost\u007f", "U+007F"],
  ["with a line separator", "lost\u2028phone", "U+2028"],
  ["with a paragraph separator", "lost\u2029phone", "U+2029"],
  ["with a right-to-left override", "lost \u202etxt", "U+202E"],
  ["with an isolate", "lost \u2066txt", "U+2066"],
  ["with a right-to-left mark", "lost \u200ftxt", "U+200F"],
  ["with an Arabic letter mark", "lost \u061ctxt", "U+061C"],
  ["with a zero-width space", "lo\u200bst", "U+200B"],
  ["with a tag character", "lost \u{e0041}", "U+E0041"],
])("a reason %s is refused before the gateway calls CAM", async (_case, reason, problem) => {
  const { errors } = await send(SET, { ...lastOff, reason });
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT" } }]);
  expect(errors[0]?.message).toContain(problem);
  expect(cam.journal({ action: "DescribeSafeAuthFlagColl" })).toEqual([]);
});

test("a repeated idempotency key with another reason is refused", async () => {
  const ask = (reason: string) =>
    http
      .post("/graphql")
      .set("idempotency-key", "key-1")
      .send({ query: SET, variables: { ...lastOff, reason } });
  expect((await ask("lost")).body).toMatchObject({ data: { setSubUserMfa: { change: { reason: "lost" } } } });
  expect((await ask("lost")).body).toMatchObject({ data: { setSubUserMfa: { change: { reason: "lost" } } } });
  expect((await ask("sold")).body).toMatchObject({
    errors: [{ extensions: { code: "IDEMPOTENCY_KEY_REUSED" } }],
  });
});
