import { describe, expect, test } from "vitest";
import { ALICE, BOB, CAROL, HEIDI, MAX, NOBODY } from "../support/seed-users.ts";
import { shareGateway, UNLIMITED } from "../support/start-gateway.ts";

const { send, cam } = await shareGateway(UNLIMITED);

const MANY = "query ($opUins: [Uin!]!) { subUsers(opUins: $opUins) { opUin name } }";
const MANY_WITH_MFA =
  "query ($opUins: [Uin!]!) { subUsers(opUins: $opUins) { name mfa { login { phone } } } }";

describe("subUser", () => {
  test("returns every field of a user that CAM reports", async () => {
    const { data } = await send(`{
      subUser(opUin: "${ALICE}") {
        opUin name uid remark userType createTime lastLoginTime lastLoginIp
        mfa {
          login { phone token stoken wechat custom mail u2fToken passkey }
          action { phone token stoken wechat custom mail u2fToken passkey }
        }
      }
    }`);
    const off = {
      phone: false,
      token: false,
      stoken: false,
      wechat: false,
      custom: false,
      mail: false,
      u2fToken: false,
      passkey: false,
    };
    expect(data).toEqual({
      subUser: {
        opUin: ALICE,
        name: "alice",
        uid: "21969091",
        remark: "phone and WeChat bound; login protection by virtual MFA",
        userType: 2,
        createTime: "2024-01-01 08:00:00",
        lastLoginTime: "2026-11-02 09:15:00",
        lastLoginIp: "203.0.113.91",
        mfa: { login: { ...off, stoken: true }, action: off },
      },
    });
  });

  test("is null, without an error, if CAM has no such user", async () => {
    const { data, errors } = await send(`{ subUser(opUin: "${NOBODY}") { opUin mfa { login { phone } } } }`);
    expect({ data, errors }).toEqual({ data: { subUser: null }, errors: [] });
  });

  test("has null, and not false, for a method that CAM does not report", async () => {
    cam.putUser({ uin: HEIDI, unreportedMethods: ["Passkey"] });
    const { data } = await send(`{ subUser(opUin: "${HEIDI}") { mfa { login { phone passkey } } } }`);
    expect(data).toEqual({ subUser: { mfa: { login: { phone: false, passkey: null } } } });
  });

  test("is read from CAM again for each request", async () => {
    const query = `{ subUser(opUin: "${HEIDI}") { remark mfa { login { phone } } } }`;
    await send(query);
    cam.putUser({ uin: HEIDI, remark: "changed", loginFlag: { Phone: 1 } });
    expect((await send(query)).data).toEqual({
      subUser: { remark: "changed", mfa: { login: { phone: true } } },
    });
  });

  test("reads protections only if the query selects them, and no user twice", async () => {
    await send(`{ a: subUser(opUin: "${ALICE}") { name } b: subUser(opUin: "${ALICE}") { remark } }`);
    expect(cam.journal({ opUin: ALICE }).map(({ action }) => action)).toEqual(["DescribeSubAccounts"]);
  });
});

describe("subUsers", () => {
  test("keeps the order of the request, with null for a user that CAM does not have", async () => {
    const opUins = [CAROL, NOBODY, MAX, ALICE, CAROL];
    expect((await send(MANY, { opUins })).data).toEqual({
      subUsers: [
        { opUin: CAROL, name: "carol" },
        null,
        { opUin: MAX, name: "max" },
        { opUin: ALICE, name: "alice" },
        { opUin: CAROL, name: "carol" },
      ],
    });
    const [call, ...more] = cam.journal({ action: "DescribeSubAccounts" });
    expect(call?.opUins).toEqual([CAROL, NOBODY, MAX, ALICE]);
    expect(more).toEqual([]);
  });

  test("takes an empty list without a call of CAM", async () => {
    expect((await send(MANY, { opUins: [] })).data).toEqual({ subUsers: [] });
    expect(cam.counters()["DescribeSubAccounts"]).toBeUndefined();
  });

  test("reads 200 users in four calls of 50", async () => {
    const opUins = Array.from({ length: 200 }, (_, at) => String(100_021_500_000 + at));
    for (const uin of opUins) cam.putUser({ uin, name: `user-${uin}` });
    const { data, errors } = await send(MANY, { opUins });
    expect(errors).toEqual([]);
    expect(data).toEqual({ subUsers: opUins.map((opUin) => ({ opUin, name: `user-${opUin}` })) });
    const calls = cam.journal({ action: "DescribeSubAccounts" });
    expect(calls.map(({ opUins: asked }) => asked.length)).toEqual([50, 50, 50, 50]);
  });

  test("shares its calls with the other fields of the operation", async () => {
    await send(`{
      a: subUsers(opUins: ["${ALICE}", "${BOB}"]) { name }
      b: subUsers(opUins: ["${BOB}", "${CAROL}"]) { name }
      c: subUser(opUin: "${HEIDI}") { name }
      _entities(representations: [{ __typename: "SubUser", opUin: "${CAROL}" }]) { ... on SubUser { name } }
    }`);
    const calls = cam.journal({ action: "DescribeSubAccounts" });
    expect(calls.map(({ opUins }) => [...opUins].sort())).toEqual([[ALICE, BOB, CAROL, HEIDI]]);
  });

  test("reads the protections of each user once", async () => {
    const opUins = [ALICE, CAROL, ALICE, NOBODY, CAROL];
    const { data } = await send(MANY_WITH_MFA, { opUins });
    const alice = { name: "alice", mfa: { login: { phone: false } } };
    const carol = { name: "carol", mfa: { login: { phone: true } } };
    expect(data).toEqual({ subUsers: [alice, carol, alice, null, carol] });
    const calls = cam.journal({ action: "DescribeSafeAuthFlagColl" });
    expect(calls.map(({ opUin }) => opUin).sort()).toEqual([ALICE, CAROL]);
  });

  test("returns the other users if the protections of one cannot be read", async () => {
    const fault = { kind: "camError", code: "UnauthorizedOperation", opUin: BOB } as const;
    cam.addFault({ ...fault, action: "DescribeSafeAuthFlagColl" });
    const { status, data, errors } = await send(MANY_WITH_MFA, { opUins: [ALICE, BOB, CAROL] });
    expect(status).toBe(200);
    expect(data).toEqual({
      subUsers: [
        { name: "alice", mfa: { login: { phone: false } } },
        { name: "bob", mfa: null },
        { name: "carol", mfa: { login: { phone: true } } },
      ],
    });
    expect(errors).toMatchObject([
      {
        path: ["subUsers", 1, "mfa"],
        extensions: {
          code: "CAM_PERMISSION_DENIED",
          opUin: BOB,
          cam: { action: "DescribeSafeAuthFlagColl", code: "UnauthorizedOperation" },
        },
      },
    ]);
  });

  test("fails with a typed error at its own path if the profiles cannot be read", async () => {
    cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "DescribeSubAccounts" });
    const { status, errors } = await send(MANY, { opUins: [ALICE] });
    expect(status).toBe(200);
    expect(errors).toMatchObject([{ path: ["subUsers"], extensions: { code: "CAM_PERMISSION_DENIED" } }]);
  });
});

test("a read in a document of changes returns the state after its change", async () => {
  // The gateway combines the next reads of a user with its own writes, so no other test reads this one.
  const opUin = "100021999001";
  cam.putUser({ uin: opUin, name: opUin, phone: "13800000000", wechatBound: true });
  const user = `subUser { mfa { login { phone wechat } } }`;
  const { data } = await send(`mutation {
    a: setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { ${user} }
    b: setSubUserMfa(opUin: "${opUin}", login: { phone: false, wechat: true }) { ${user} }
  }`);
  expect(data).toMatchObject({
    a: { subUser: { mfa: { login: { phone: true, wechat: false } } } },
    b: { subUser: { mfa: { login: { phone: false, wechat: true } } } },
  });
});

test("camErrors returns the whole catalogue without a call of CAM", async () => {
  const { data } = await send("{ camErrors { code category retryable message remedy camCodes } }");
  const rows = (data?.["camErrors"] ?? []) as readonly Readonly<Record<string, unknown>>[];
  expect(rows).toContainEqual({
    code: "USER_NOT_BIND_PHONE",
    category: "PRECONDITION",
    retryable: false,
    message: expect.any(String),
    remedy: expect.any(String),
    camCodes: ["FailedOperation.UserNotBindPhone"],
  });
  expect(rows.length).toBeGreaterThan(40);
  expect(cam.counters()["DescribeSubAccounts"]).toBeUndefined();
});
