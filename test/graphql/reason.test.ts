import { expect, test } from "vitest";
import { CAROL, HEIDI, MAX } from "../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../support/start-gateway.ts";

const SET = `mutation ($opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput, $reason: String) {
  setSubUserMfa(opUin: $opUin, login: $login, action: $action, reason: $reason) { change { reason } }
}`;
const LAST_OFF = { opUin: MAX, login: { wechat: false } };

test("the last method of a user is not switched off without a reason", async () => {
  const { send, cam } = await startGateway(UNLIMITED);
  for (const reason of [undefined, null, "", " \n"]) {
    const { errors } = await send(SET, { ...LAST_OFF, reason });
    expect(errors).toMatchObject([
      {
        message: "This change needs a reason. It switches off the last method of this user.",
        extensions: { code: "REASON_REQUIRED", category: "INPUT", retryable: false, opUin: MAX },
      },
    ]);
  }
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
});

test("with a reason it is, and the reason is on record", async () => {
  const { send, cam } = await startGateway(UNLIMITED);
  const { data } = await send(SET, { ...LAST_OFF, reason: "  The phone was lost. 手机丢了 " });
  expect(data).toEqual({ setSubUserMfa: { change: { reason: "The phone was lost. 手机丢了" } } });
  expect(cam.user(MAX)?.loginFlag).toMatchObject({ Wechat: 0 });
});

test("another change needs none, and has none on record", async () => {
  const { send } = await startGateway(UNLIMITED);
  for (const change of [
    { opUin: CAROL, login: { phone: false } },
    { opUin: HEIDI, login: { phone: false } },
  ]) {
    expect((await send(SET, change)).data).toEqual({ setSubUserMfa: { change: { reason: null } } });
  }
});

test.each([
  ["too long", "x".repeat(501), "longer than 500 characters"],
  ["with a NUL", "lost\0phone", "no character"],
  ["with half a character", "lost \ud800", "no character"],
])("a reason that is %s is refused before CAM is asked", async (_case, reason, problem) => {
  const { send, cam } = await startGateway(UNLIMITED);
  const { errors } = await send(SET, { ...LAST_OFF, reason });
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT" } }]);
  expect(errors[0]?.message).toContain(problem);
  expect(cam.journal({ action: "DescribeSafeAuthFlagColl" })).toEqual([]);
});

test("an idempotency key stands for its reason too", async () => {
  const { http } = await startGateway(UNLIMITED);
  const ask = (reason: string) =>
    http
      .post("/graphql")
      .set("idempotency-key", "key-1")
      .send({ query: SET, variables: { ...LAST_OFF, reason } });
  expect((await ask("lost")).body).toMatchObject({ data: { setSubUserMfa: { change: { reason: "lost" } } } });
  expect((await ask("lost")).body).toMatchObject({ data: { setSubUserMfa: { change: { reason: "lost" } } } });
  expect((await ask("sold")).body).toMatchObject({
    errors: [{ extensions: { code: "IDEMPOTENCY_KEY_REUSED" } }],
  });
});
