import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ALICE, CAROL, ERIN, FRANK, HEIDI, MAX } from "../support/seed-users.ts";
import { type StartedGateway, shareGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

const FLAGS = "phone token stoken wechat u2fToken";
const SET = `mutation ($opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput) {
  setSubUserMfa(opUin: $opUin, login: $login, action: $action) {
    requestId camRequestId resolvedBy subUser { opUin mfa { login { ${FLAGS} } action { ${FLAGS} } } }
  }
}`;

const { send, cam } = await shareGateway(UNLIMITED);

describe("a change", () => {
  test("takes effect and returns the user as CAM has it afterwards", async () => {
    const { status, data, errors } = await send(SET, { opUin: ALICE, login: { phone: true } });
    expect({ status, errors }).toEqual({ status: 200, errors: [] });
    expect(data).toMatchObject({
      setSubUserMfa: {
        resolvedBy: "REPLY",
        subUser: {
          opUin: ALICE,
          mfa: { login: { phone: true, stoken: true, wechat: false }, action: { phone: false } },
        },
      },
    });
    const [write] = cam.journal({ action: "SetMfaFlag" });
    expect(data).toMatchObject({
      setSubUserMfa: { requestId: write?.traceId, camRequestId: write?.requestId },
    });
    expect(write).toMatchObject({ opUin: ALICE, applied: true, outcome: "Success" });
  });

  test("works for the user with the largest possible Uin", async () => {
    const { data } = await send(SET, { opUin: MAX, login: { phone: true } });
    expect(data).toMatchObject({ setSubUserMfa: { subUser: { opUin: MAX } } });
    expect(cam.user(MAX)?.loginFlag).toMatchObject({ Phone: 1, Wechat: 1 });
  });

  test("takes its Uin as an integer too, without losing digits", async () => {
    const { errors } = await send(
      `mutation { setSubUserMfa(opUin: ${MAX}, action: { phone: true }) { requestId } }`,
    );
    expect(errors).toEqual([]);
    expect(cam.user(MAX)?.actionFlag).toMatchObject({ Phone: 1 });
  });
});

/** CAM does not document its treatment of omitted integers in a flag set. The gateway must not depend on it. */
describe.each(["zero", "unchanged"] as const)("if CAM takes omitted integers as %s", (omittedIntegers) => {
  const cases = [
    [
      "switching a method on keeps the others on",
      ALICE,
      { login: { phone: true } },
      { Phone: 1, Stoken: 1, Wechat: 0 },
      {},
    ],
    [
      "switching a method off keeps the others on",
      CAROL,
      { login: { phone: false } },
      { Phone: 0, Stoken: 0 },
      { Phone: 1 },
    ],
    [
      "a null method is the same as an omitted one",
      ALICE,
      { login: { phone: true, stoken: null } },
      { Phone: 1, Stoken: 1 },
      {},
    ],
    [
      "a null flag set keeps its protection",
      CAROL,
      { login: null, action: { stoken: true } },
      { Phone: 1 },
      { Phone: 1, Stoken: 1 },
    ],
    [
      "an empty flag set keeps its protection",
      CAROL,
      { login: {}, action: { phone: false } },
      { Phone: 1 },
      { Phone: 0 },
    ],
    [
      "one change may set both protections",
      HEIDI,
      { login: { stoken: true }, action: { phone: true } },
      { Phone: 0, Stoken: 1 },
      { Phone: 1, Stoken: 0 },
    ],
    [
      "one change may switch off every method",
      CAROL,
      { login: { phone: false, stoken: false, wechat: false } },
      { Phone: 0, Stoken: 0, Wechat: 0 },
      { Phone: 1 },
    ],
  ] as const;

  let shared: StartedGateway;
  beforeAll(async () => {
    shared = await startGateway({ ...UNLIMITED, emulator: { ...UNLIMITED.emulator, omittedIntegers } });
  });
  beforeEach(() => shared.cam.reset());

  test.each(cases)("%s", async (_case, opUin, change, loginFlag, actionFlag) => {
    const { send, cam } = shared;
    expect((await send(SET, { opUin, ...change })).errors).toEqual([]);
    expect(cam.user(opUin)).toMatchObject({ loginFlag, actionFlag });
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(1);
  });

  test("a protection that the change does not name is not written", async () => {
    const { send, cam } = shared;
    // A write here would drop the hardware token, because switching a method on clears it.
    cam.putUser({ uin: FRANK, actionFlag: { Token: 1, Phone: 1 } });
    expect((await send(SET, { opUin: FRANK, login: { stoken: true } })).errors).toEqual([]);
    expect(cam.user(FRANK)).toMatchObject({
      loginFlag: { Phone: 1, Stoken: 1 },
      actionFlag: { Token: 1, Phone: 1 },
    });
  });
});

describe("a request that names no method", () => {
  test.each([
    ["no flag set", {}],
    ["null flag sets", { login: null, action: null }],
    ["empty flag sets", { login: {}, action: {} }],
    ["flag sets of nulls", { login: { phone: null }, action: { stoken: null, wechat: null } }],
  ])("is refused before the gateway calls CAM: %s", async (_case, change) => {
    const { status, data, errors } = await send(SET, { opUin: ALICE, ...change });
    expect(status).toBe(200);
    expect(data).toEqual({ setSubUserMfa: null });
    expect(errors).toMatchObject([
      { path: ["setSubUserMfa"], extensions: { code: "NOTHING_TO_CHANGE", category: "INPUT", opUin: ALICE } },
    ]);
    expect(cam.journal({ opUin: ALICE })).toEqual([]);
  });
});

describe("a method that a write cannot express", () => {
  const OVERWRITE = SET.replace("action: $action)", "action: $action, overwriteOtherMethods: true)");

  test.each([
    ["Erin's U2F key", ERIN, { login: { phone: true } }, "The login protection of this user uses u2fToken."],
    [
      "Frank's hardware token",
      FRANK,
      { action: { phone: true } },
      "The action protection of this user uses token.",
    ],
  ])("is not overwritten without overwriteOtherMethods: %s", async (_case, opUin, change, hint) => {
    const before = cam.user(opUin);
    const { errors } = await send(SET, { opUin, ...change });
    expect(errors).toMatchObject([
      { extensions: { code: "MFA_METHOD_NOT_WRITABLE", category: "INPUT", opUin } },
    ]);
    expect(errors[0]?.message).toContain(hint);
    expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
    expect(cam.user(opUin)).toEqual(before);
  });

  test("is overwritten with overwriteOtherMethods", async () => {
    const { errors } = await send(OVERWRITE, { opUin: ERIN, login: { phone: true } });
    expect(errors).toEqual([]);
    expect(cam.user(ERIN)?.loginFlag).toMatchObject({ Phone: 1, U2FToken: 0 });
  });
});

describe("the user in the answer", () => {
  test("is read again after each change of the same document", async () => {
    const opUin = "100021999001";
    cam.putUser({ uin: opUin, name: "anna", phone: "13800000000", loginFlag: { Stoken: 1 } });
    const user = "subUser { name mfa { login { phone stoken } } }";
    const { data } = await send(`mutation {
      a: setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { ${user} }
      b: setSubUserMfa(opUin: "${opUin}", login: { stoken: false }) { ${user} }
    }`);
    expect(data).toEqual({
      a: { subUser: { name: "anna", mfa: { login: { phone: true, stoken: true } } } },
      b: { subUser: { name: "anna", mfa: { login: { phone: true, stoken: false } } } },
    });
  });

  test("costs no call if the query selects only its id", async () => {
    await send(`mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { subUser { opUin } } }`);
    expect(cam.journal({ opUin: ALICE }).map(({ action }) => action)).toEqual([
      "DescribeSafeAuthFlagColl",
      "SetMfaFlag",
    ]);
  });

  test("may be unreadable, and the result of the change still arrives", async () => {
    cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "DescribeSubAccounts" });
    cam.addFault({
      kind: "camError",
      code: "UnauthorizedOperation",
      action: "DescribeSafeAuthFlagColl",
      skip: 1,
    });
    const { data, errors } = await send(`mutation {
      setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) {
        resolvedBy subUser { opUin name mfa { login { phone } } }
      }
    }`);
    expect(data).toEqual({
      setSubUserMfa: { resolvedBy: "REPLY", subUser: { opUin: ALICE, name: null, mfa: null } },
    });
    expect(
      errors.map(({ path, extensions }) => [path?.join("."), extensions["code"], extensions["opUin"]]),
    ).toEqual(
      expect.arrayContaining([
        ["setSubUserMfa.subUser.name", "CAM_PERMISSION_DENIED", ALICE],
        ["setSubUserMfa.subUser.mfa", "CAM_PERMISSION_DENIED", ALICE],
      ]),
    );
  });
});
