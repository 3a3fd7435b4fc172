import { beforeEach, expect, test } from "vitest";
import { ALICE, BOB, CAROL, ERIN, HEIDI, NOBODY } from "../../support/seed-users.ts";
import { startPolicyWorld, type Wanted } from "./policy-world.ts";

const DONE = { id: expect.any(String) };
const forbidden = (hint: string) => ({
  code: "FORBIDDEN",
  message: `You do not have the permission for this. ${hint}`,
});

const POLICY = {
  rules: [
    { id: "admins", effect: "deny", users: { tags: ["admin"], names: ["jos\u00e9"] } },
    { id: "on", effect: "allow", callers: { clients: ["portal"] }, switches: ["*.on"] },
    {
      id: "off-of-carol",
      effect: "allow",
      callers: { subjects: ["li"] },
      users: { uins: [CAROL] },
      switches: ["*.phone.off"],
    },
    {
      id: "with-a-second",
      effect: "allow",
      callers: { subjects: ["chen"] },
      approval: { expiresInMinutes: 5 },
    },
  ],
};

const { ask, change, tryChange, hold, cam, http, issuer, logLines } = await startPolicyWorld(POLICY);
beforeEach(() => cam.reset());

test("a change is made if the rules allow it, and a refusal names the rule, thrown or as data", async () => {
  expect(await change({ opUin: ALICE, login: { phone: true } }, "wang")).toEqual(DONE);
  expect(await tryChange({ opUin: CAROL, login: { phone: false } }, "li")).toEqual(DONE);
  cam.putUser({ uin: HEIDI, remark: "all off #admin" });
  cam.clearJournal();
  const refused: readonly (readonly [Wanted, string, string])[] = [
    [{ opUin: ALICE, login: { phone: false } }, "wang", "No rule allows login.phone.off."],
    [
      { opUin: ALICE, login: { phone: true }, action: { wechat: false } },
      "wang",
      "No rule allows action.wechat.off.",
    ],
    [{ opUin: ALICE, login: { phone: false } }, "li", "No rule allows login.phone.off."],
    [{ opUin: HEIDI, login: { phone: true } }, "wang", "The rule admins refuses login.phone.on."],
    [{ opUin: NOBODY, login: { phone: true } }, "wang", "The rule admins refuses login.phone.on."],
  ];
  for (const [wanted, subject, hint] of refused) {
    expect(await change(wanted, subject), hint).toEqual(forbidden(hint));
    expect(await tryChange(wanted, subject), hint).toEqual(forbidden(hint));
  }
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
  expect(cam.journal({ action: "DescribeSafeAuthFlagColl" })).toEqual([]);
});

test.each([
  ["azp", { azp: "portal" }],
  ["client_id (RFC 9068)", { azp: undefined, client_id: "portal" }],
  ["cid (Okta)", { azp: undefined, cid: "portal" }],
  ["appid (Microsoft Entra ID, version 1)", { azp: undefined, appid: "portal" }],
])("a rule matches the client in the claim %s", async (_claim, claims) => {
  const token = await issuer.sign({ claims });
  const query = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { change { caller { client } } } }`;
  const reply = await http.post("/graphql").set("authorization", `Bearer ${token}`).send({ query });
  expect(reply.body).toMatchObject({ data: { setSubUserMfa: { change: { caller: { client: "portal" } } } } });
});

test("a change that a rule allows with approval waits for the approval", async () => {
  const wanted = { opUin: CAROL, login: { phone: false }, reason: "lost" };
  expect(await change(wanted, "chen")).toMatchObject({ code: "APPROVAL_REQUIRED" });
  expect(await tryChange(wanted, "chen")).toMatchObject({ code: "APPROVAL_REQUIRED" });
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
});

test("the log has the caller, the user and the reason of a refusal", async () => {
  await change({ opUin: BOB, login: { phone: false } }, "mallory");
  const lines = logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({
      ...{ caller: "mallory", callerClient: "portal", opUin: BOB, code: "FORBIDDEN" },
      why: "You do not have the permission for this. No rule allows login.phone.off.",
    }),
  );
});

test("a rule for a client does not match the same person with another client", async () => {
  const wanted = { opUin: ALICE, login: { phone: true } };
  expect(await change(wanted, "wang", { client: "script" })).toEqual(
    forbidden("No rule allows login.phone.on."),
  );
});

test("dropping methods that no write can keep is a separate switch", async () => {
  const wanted = { opUin: ERIN, login: { phone: true } };
  expect(await change({ ...wanted, over: true }, "wang")).toEqual(
    forbidden("No rule allows login.other.off."),
  );
  expect(await change(wanted, "wang")).toMatchObject({ code: "MFA_METHOD_NOT_WRITABLE" });
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
});

test("a name matches in any Unicode composition", async () => {
  for (const name of ["jos\u00e9", "jose\u0301"]) {
    cam.putUser({ uin: ALICE, name });
    const refusal = forbidden("The rule admins refuses login.phone.on.");
    expect(await change({ opUin: ALICE, login: { phone: true } }, "wang"), name).toEqual(refusal);
  }
});

test("if a rule needs the user's profile and the read fails, nothing is written and the caller gets CAM's error", async () => {
  cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "DescribeSubAccounts" });
  const wanted = { opUin: ALICE, login: { phone: true } };
  expect(await change(wanted, "wang")).toMatchObject({ code: "CAM_PERMISSION_DENIED" });
  expect(await tryChange(wanted, "wang")).toMatchObject({ code: "CAM_PERMISSION_DENIED" });
  cam.clearFaults();
  cam.addFault({ kind: "garbageBody", action: "DescribeSubAccounts" });
  expect(await change(wanted, "wang")).toMatchObject({ code: "CAM_BAD_RESPONSE" });
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
});

test("each of several changes in one document is decided separately, also under an alias", async () => {
  const { data, errors } = await ask(
    `mutation {
      one: setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy }
      two: setSubUserMfa(opUin: "${CAROL}", login: { phone: false }) { resolvedBy }
    }`,
    {},
    "wang",
  );
  expect(data).toEqual({ one: { resolvedBy: "REPLY" }, two: null });
  expect(errors).toMatchObject([{ path: ["two"], extensions: { code: "FORBIDDEN", opUin: CAROL } }]);
  expect(cam.journal({ action: "SetMfaFlag" }).map(({ opUin }) => opUin)).toEqual([ALICE]);
});

test("a caller who may not make a change cannot join an identical change in flight", async () => {
  const held = hold("SetMfaFlag");
  const wanted = { opUin: CAROL, login: { phone: false } };
  const first = change(wanted, "li");
  await held.arrived;
  expect(await change(wanted, "wang")).toEqual(forbidden("No rule allows login.phone.off."));
  held.release();
  expect(await first).toEqual(DONE);
  expect(cam.journal({ action: "SetMfaFlag" })).toHaveLength(1);
});

test("an idempotency key returns an outcome only to a caller whose change the rules allow", async () => {
  const wanted = { opUin: CAROL, login: { phone: false } };
  const asking = { idempotencyKey: "key-1" };
  const made = await change(wanted, "li", asking);
  expect(await change(wanted, "li", asking)).toEqual(made);
  expect(await change(wanted, "wang", asking)).toEqual(forbidden("No rule allows login.phone.off."));
});

test("a policy does not replace a missing scope", async () => {
  const token = await issuer.sign({ claims: { scope: "cam.mfa:read cam.mfa:override" } });
  const query = `mutation { setSubUserMfa(opUin: "${BOB}", login: { phone: true }) { resolvedBy } }`;
  const { body } = await http.post("/graphql").set("authorization", `Bearer ${token}`).send({ query });
  expect(body.errors).toMatchObject([
    { message: expect.stringContaining("This field needs the scope cam.mfa:write.") },
  ]);
});

test("a router can read entities and cannot change users through them", async () => {
  const query = `{ _entities(representations: [{ __typename: "SubUser", opUin: "${HEIDI}", mfa: { login: { phone: true } } }]) {
    ... on SubUser { name mfa { login { phone } } }
  } }`;
  expect((await ask(query, {}, "wang")).data).toEqual({
    _entities: [{ name: "heidi", mfa: { login: { phone: false } } }],
  });
  expect(cam.journal({ action: "SetMfaFlag" })).toEqual([]);
});
