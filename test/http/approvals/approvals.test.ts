import { beforeEach, describe, expect, test } from "vitest";
import { expireAwaiting } from "../../support/alter-rows.ts";
import { ALICE, HEIDI } from "../../support/seed-users.ts";
import {
  ALICE_ASKS,
  BOB_ASKS,
  CAROL_ASKS,
  changeIdOf,
  outcomeOf,
  startApprovalWorld,
} from "./approval-world.ts";

const world = await startApprovalWorld([ALICE, HEIDI], {
  rules: [
    { id: "dave-alone", effect: "allow", callers: { subjects: ["dave"] } },
    { id: "not-mallory", effect: "deny", callers: { subjects: ["mallory"] }, switches: ["*.on"] },
  ],
});
const { one, two, ask, databaseUrl } = world;
const { cam } = one;

beforeEach(() => cam.reset());

const PHONE_ON = `setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId change { id } }`;
const APPROVE =
  "mutation ($id: ID!, $reason: String) { approveMfaChange(id: $id, reason: $reason) { camRequestId } }";
const REJECT = `mutation ($id: ID!, $reason: String) {
  rejectMfaChange(id: $id, reason: $reason) { status code approval { decision decidedBy { subject } reason } }
}`;
const RECORD = `query ($id: ID!) {
  mfaChange(id: $id) {
    status code resolvedBy attempts reason caller { subject } gatewayRequestId
    before { login { phone stoken wechat } } sent { login { phone stoken wechat } }
    approval { expiresAt decision decidedBy { subject client issuer } decidedAt reason gatewayRequestId }
  }
}`;

/** Requests a change that awaits approval, by default as alice, and returns its id. */
async function awaiting(change = PHONE_ON, who = ALICE_ASKS): Promise<string> {
  const reply = await ask(who, `mutation { ${change} }`);
  expect(outcomeOf(reply)).toBe("APPROVAL_REQUIRED");
  return changeIdOf(reply);
}

async function recordOf(id: string) {
  const { data } = await ask(ALICE_ASKS, RECORD, { variables: { id } });
  return (data as { mfaChange: Record<string, unknown> }).mfaChange;
}

function writes(): number {
  return cam.counters()["SetMfaFlag"]?.received ?? 0;
}

describe("a change that needs approval", () => {
  test("is recorded and not sent, and the caller gets APPROVAL_REQUIRED, thrown or as data", async () => {
    const thrown = await ask(ALICE_ASKS, `mutation { ${PHONE_ON} }`);
    expect(thrown).toMatchObject({
      data: { setSubUserMfa: null },
      errors: [
        {
          message: "This change is on record and waits for approval by another caller.",
          extensions: {
            code: "APPROVAL_REQUIRED",
            category: "PRECONDITION",
            retryable: false,
            opUin: ALICE,
            changeId: expect.any(String),
          },
        },
      ],
    });
    const { approval } = await recordOf(changeIdOf(thrown));
    const { expiresAt } = approval as { readonly expiresAt: string };
    expect(thrown.errors[0]?.extensions["expiresAt"]).toBe(expiresAt);
    const tried = await ask(
      ALICE_ASKS,
      `mutation { trySetSubUserMfa(opUin: "${ALICE}", login: { phone: true }) {
        ... on CamFailure { code changeId expiresAt }
      } }`,
    );
    // A repeated request joins the waiting change.
    expect(outcomeOf(tried)).toEqual({
      code: "APPROVAL_REQUIRED",
      changeId: changeIdOf(thrown),
      expiresAt,
    });
    expect(writes()).toBe(0);
    const queue = await ask(BOB_ASKS, "{ mfaChanges(status: AWAITING_APPROVAL, first: 1) { nodes { id } } }");
    expect(outcomeOf(queue)).toEqual({ nodes: [{ id: changeIdOf(thrown) }] });
  });

  test("is made once when another caller approves it, and the record has the approver and the reason", async () => {
    const id = await awaiting();
    const approved = await ask(BOB_ASKS, APPROVE, { variables: { id, reason: " She called me. " } });
    expect(approved.errors).toEqual([]);
    expect(cam.user(ALICE)).toMatchObject({ loginFlag: { Phone: 1, Stoken: 1 } });
    expect(await recordOf(id)).toMatchObject({
      status: "APPLIED",
      resolvedBy: "REPLY",
      attempts: 1,
      caller: { subject: "alice" },
      approval: {
        decision: "APPROVED",
        decidedBy: { subject: "bob", client: "portal", issuer: world.issuers[0].url },
        decidedAt: expect.stringMatching(/Z$/),
        reason: "She called me.",
        gatewayRequestId: expect.any(String),
      },
    });
    // A second approval returns the outcome of the first.
    for (const who of [BOB_ASKS, CAROL_ASKS]) {
      expect(outcomeOf(await ask(who, APPROVE, { variables: { id } }))).toEqual(outcomeOf(approved));
    }
    expect(writes()).toBe(1);
    expect(one.logLines.map((line) => JSON.parse(line) as object)).toContainEqual(
      expect.objectContaining({
        msg: "MFA change applied",
        caller: "bob",
        approvedFor: "alice",
        changeId: id,
      }),
    );
  });

  test("is composed from the user's protections at the approval, and the record has these", async () => {
    // No other change of this user was recorded within the last minute, so the read from CAM is decisive.
    cam.putUser({ uin: HEIDI, phone: "13800000098", wechatBound: true, loginFlag: { Stoken: 1 } });
    const id = await awaiting(
      `setSubUserMfa(opUin: "${HEIDI}", login: { phone: true }) { requestId change { id } }`,
    );
    expect(await recordOf(id)).toMatchObject({
      sent: { login: { phone: true, stoken: true, wechat: false } },
    });
    cam.putUser({ uin: HEIDI, loginFlag: { Phone: 0, Stoken: 0, Wechat: 1 } });
    expect((await ask(BOB_ASKS, APPROVE, { variables: { id } })).errors).toEqual([]);
    expect(await recordOf(id)).toMatchObject({
      before: { login: { phone: false, stoken: false, wechat: true } },
      sent: { login: { phone: true, stoken: false, wechat: true } },
    });
    expect(cam.user(HEIDI)).toMatchObject({ loginFlag: { Phone: 1, Stoken: 0, Wechat: 1 } });
  });

  test("does not block other changes of the user while it waits", async () => {
    const id = await awaiting();
    const daves = `mutation { setSubUserMfa(opUin: "${ALICE}", action: { phone: true }) { requestId } }`;
    expect((await ask({ subject: "dave" }, daves)).errors).toEqual([]);
    expect((await ask(BOB_ASKS, APPROVE, { variables: { id } })).errors).toEqual([]);
    expect(cam.user(ALICE)).toMatchObject({ loginFlag: { Phone: 1 }, actionFlag: { Phone: 1 } });
  });

  test("is made once if two callers approve it concurrently through two replicas", async () => {
    for (let round = 0; round < 5; round++) {
      cam.reset();
      const id = await awaiting();
      const replies = await Promise.all([
        ask(BOB_ASKS, APPROVE, { variables: { id } }),
        ask(CAROL_ASKS, APPROVE, { variables: { id }, of: two }),
        ask(BOB_ASKS, APPROVE, { variables: { id }, of: two }),
      ]);
      expect(new Set(replies.map((reply) => JSON.stringify(outcomeOf(reply)))).size).toBe(1);
      expect(replies.flatMap(({ errors }) => errors)).toEqual([]);
      expect(writes()).toBe(1);
    }
  });

  test("fails for the approver if CAM refuses it, and stays refused", async () => {
    const id = await awaiting();
    cam.putUser({ uin: ALICE, phone: null });
    const approved = await ask(BOB_ASKS, APPROVE, { variables: { id } });
    expect(approved.errors[0]?.extensions).toMatchObject({
      code: "USER_NOT_BIND_PHONE",
      changeId: id,
      opUin: ALICE,
      cam: { code: "FailedOperation.UserNotBindPhone" },
    });
    const tried = await ask(
      CAROL_ASKS,
      `mutation { tryApproveMfaChange(id: "${id}") { ... on CamFailure { code camCode changeId } } }`,
    );
    expect(outcomeOf(tried)).toEqual({
      code: "USER_NOT_BIND_PHONE",
      camCode: "FailedOperation.UserNotBindPhone",
      changeId: id,
    });
    expect(writes()).toBe(1);
  });

  test("is read back if its reply is lost", async () => {
    const id = await awaiting();
    cam.addFault({ kind: "cutAfter", action: "SetMfaFlag", times: 1 });
    expect((await ask(BOB_ASKS, APPROVE, { variables: { id } })).errors).toEqual([]);
    expect(await recordOf(id)).toMatchObject({ status: "APPLIED", resolvedBy: "READ_BACK" });
  });

  test("has its current state under its idempotency key: awaiting, applied or withdrawn", async () => {
    const of = (idempotencyKey: string) => ask(ALICE_ASKS, `mutation { ${PHONE_ON} }`, { idempotencyKey });
    const first = await of("key-1");
    expect(changeIdOf(await of("key-1"))).toBe(changeIdOf(first));
    const variables = { id: changeIdOf(first) };
    await ask(BOB_ASKS, APPROVE, { variables });
    expect(outcomeOf(await of("key-1"))).toMatchObject({ change: { id: changeIdOf(first) } });
    const second = await of("key-2");
    await ask(ALICE_ASKS, REJECT, { variables: { id: changeIdOf(second) } });
    expect(outcomeOf(await of("key-2"))).toBe("APPROVAL_REJECTED");
    expect(writes()).toBe(1);
  });
});

describe("a decision is refused", () => {
  test.each([
    ["to its requester", ALICE_ASKS],
    ["to its requester with another client", { ...ALICE_ASKS, client: "another" }],
    ["to a caller with the requester's name at another issuer", { ...ALICE_ASKS, elsewhere: true }],
  ])("%s, before a call to CAM", async (_title, who) => {
    const id = await awaiting();
    cam.clearJournal();
    const { errors } = await ask(who, APPROVE, { variables: { id } });
    expect(errors[0]).toMatchObject({
      message: expect.stringContaining("The requester of a change cannot approve it."),
      extensions: { code: "FORBIDDEN", changeId: id },
    });
    expect(cam.journal()).toEqual([]);
    expect(await recordOf(id)).toMatchObject({ status: "AWAITING_APPROVAL" });
  });

  test("to a caller without the scope", async () => {
    const id = await awaiting();
    const who = { subject: "bob", scopes: ["cam.mfa:write"] as const };
    for (const query of [APPROVE, REJECT]) {
      const { errors } = await ask(who, query, { variables: { id } });
      expect(errors[0]).toMatchObject({
        message: expect.stringContaining("This field needs the scope cam.mfa:approve."),
        extensions: { code: "FORBIDDEN" },
      });
    }
    expect(await recordOf(id)).toMatchObject({ status: "AWAITING_APPROVAL" });
  });

  test("to a caller whose own change the policy would refuse, even after the change was made", async () => {
    const id = await awaiting();
    for (const decide of [undefined, BOB_ASKS]) {
      if (decide !== undefined) await ask(decide, APPROVE, { variables: { id } });
      const { errors } = await ask({ subject: "mallory" }, APPROVE, { variables: { id } });
      expect(errors[0]).toMatchObject({
        message: expect.stringContaining("The rule not-mallory refuses login.phone.on."),
        extensions: { code: "FORBIDDEN" },
      });
    }
    expect(writes()).toBe(1);
  });

  test("for a change that does not await approval or does not exist", async () => {
    const direct = await ask({ subject: "dave" }, `mutation { ${PHONE_ON} }`);
    const { change } = outcomeOf(direct) as { change: { id: string } };
    const approved = await awaiting();
    await ask(BOB_ASKS, APPROVE, { variables: { id: approved } });
    const cases = [
      [APPROVE, change.id, "APPROVAL_NOT_AWAITED"],
      [REJECT, change.id, "APPROVAL_NOT_AWAITED"],
      [REJECT, approved, "APPROVAL_NOT_AWAITED"],
      [APPROVE, "0199aaaa-0000-7000-8000-000000000000", "CHANGE_NOT_FOUND"],
      [APPROVE, "' or true --", "CHANGE_NOT_FOUND"],
      [REJECT, "\u0000", "CHANGE_NOT_FOUND"],
    ] as const;
    for (const [query, id, code] of cases) {
      expect(outcomeOf(await ask(BOB_ASKS, query, { variables: { id } })), `${query} ${id}`).toBe(code);
    }
    // A caller who may only withdraw cannot find out which changes exist.
    const writer = { subject: "erin", scopes: ["cam.mfa:write"] as const };
    for (const id of [change.id, "0199aaaa-0000-7000-8000-000000000000"]) {
      expect(outcomeOf(await ask(writer, REJECT, { variables: { id } }))).toBe("FORBIDDEN");
    }
  });

  test.each([
    ["too long", "x".repeat(501), "BAD_USER_INPUT"],
    ["huge", "x".repeat(60_000), "BAD_USER_INPUT"],
    ["not printable", "a\u0000b", "BAD_USER_INPUT"],
    // The request itself is not valid Unicode.
    ["half of a surrogate pair", "\ud800", "BAD_REQUEST"],
  ])("if its reason is %s", async (_title, reason, code) => {
    const id = await awaiting();
    for (const query of [APPROVE, REJECT]) {
      const { errors } = await ask(BOB_ASKS, query, { variables: { id, reason } });
      expect(errors[0]?.extensions["code"]).toBe(code);
    }
    expect(await recordOf(id)).toMatchObject({ status: "AWAITING_APPROVAL" });
  });
});

describe("a waiting change is not made", () => {
  test("after another caller rejects it, with a reason on record, and a second rejection returns the first", async () => {
    const id = await awaiting();
    const variables = { id, reason: "The user did not ask for it." };
    const rejected = await ask(BOB_ASKS, REJECT, { variables });
    expect(outcomeOf(rejected)).toEqual({
      status: "REFUSED",
      code: "APPROVAL_REJECTED",
      approval: {
        decision: "REJECTED",
        decidedBy: { subject: "bob" },
        reason: "The user did not ask for it.",
      },
    });
    expect(outcomeOf(await ask(CAROL_ASKS, REJECT, { variables: { id } }))).toEqual(outcomeOf(rejected));
    expect(outcomeOf(await ask(CAROL_ASKS, APPROVE, { variables: { id } }))).toBe("APPROVAL_REJECTED");
    expect(writes()).toBe(0);
  });

  test("after its requester withdraws it, for which the scope of the request is enough", async () => {
    const id = await awaiting();
    const alice = { ...ALICE_ASKS, scopes: ["cam.mfa:write"] as const };
    expect(outcomeOf(await ask(alice, REJECT, { variables: { id } }))).toMatchObject({
      approval: { decision: "WITHDRAWN", decidedBy: { subject: "alice" } },
    });
    expect(outcomeOf(await ask(BOB_ASKS, APPROVE, { variables: { id } }))).toBe("APPROVAL_REJECTED");
  });

  test("after its time is over by the database's clock, with or without an attempt to approve it", async () => {
    const [tried, left] = [await awaiting(), await awaiting(PHONE_ON.replace("phone", "wechat"))];
    await expireAwaiting(databaseUrl);
    expect(outcomeOf(await ask(BOB_ASKS, APPROVE, { variables: { id: tried } }))).toBe("APPROVAL_EXPIRED");
    await expect
      .poll(() => recordOf(left), { timeout: 15_000 })
      .toMatchObject({ status: "REFUSED", code: "APPROVAL_EXPIRED", approval: { decision: null } });
    expect(writes()).toBe(0);
    // A repeated request is a new change.
    expect(await awaiting()).not.toBe(tried);
  });
});
