import { expect, test } from "vitest";
import { ALICE, BOB, CAROL, HEIDI } from "../../support/seed-users.ts";
import {
  ALICE_ASKS,
  BOB_ASKS,
  changeIdOf,
  outcomeOf,
  startApprovalWorld,
  type Who,
} from "./approval-world.ts";

const OPERATOR: Who = { subject: "operator", scopes: ["cam.callers:resume"] };
const PAUSED = "{ pausedCallers { subject issuer users withinMinutes resumedAt } }";
const RESUME = `mutation ($subject: String!, $issuer: String) {
  resumeCaller(subject: $subject, issuer: $issuer) { subject resumedAt resumedBy { subject } }
}`;

function changeOf(opUin: string): string {
  return `mutation { setSubUserMfa(opUin: "${opUin}", login: { stoken: true }) { requestId } }`;
}

/** Starts a world in which a caller may change two users. Alice has changed two and is paused at the third. */
async function worldWithPause() {
  const world = await startApprovalWorld([HEIDI], {
    env: { BULK_GUARD_USERS: "2", BULK_GUARD_MINUTES: "30" },
  });
  const { one, two, ask } = world;
  expect((await ask(ALICE_ASKS, changeOf(ALICE))).errors).toEqual([]);
  expect((await ask(ALICE_ASKS, changeOf(BOB), { of: two })).errors).toEqual([]);
  expect(outcomeOf(await ask(ALICE_ASKS, changeOf(CAROL)))).toBe("CALLER_PAUSED");
  one.cam.clearJournal();
  return world;
}

test("a caller who changes too many users is paused in every replica, before any call to CAM, until resumed", async () => {
  const { one, two, ask, issuers } = await worldWithPause();
  const refused = await ask(ALICE_ASKS, changeOf(ALICE));
  expect(refused.errors[0]).toMatchObject({
    message: "You changed too many users in a short time, so the gateway has paused your changes.",
    extensions: { code: "CALLER_PAUSED", category: "FORBIDDEN", retryable: false, opUin: ALICE },
  });
  expect(one.cam.journal()).toEqual([]);
  expect(outcomeOf(await ask(ALICE_ASKS, changeOf(ALICE), { of: two }))).toBe("CALLER_PAUSED");
  const tried = `mutation { trySetSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { ... on CamFailure { code } } }`;
  expect(outcomeOf(await ask(ALICE_ASKS, tried))).toEqual({ code: "CALLER_PAUSED" });
  expect(one.cam.journal({ action: "SetMfaFlag" })).toEqual([]);
  // Other callers are not affected.
  expect((await ask(BOB_ASKS, changeOf(CAROL))).errors).toEqual([]);

  const paused = await ask(OPERATOR, PAUSED, { of: two });
  expect(outcomeOf(paused)).toEqual([
    { subject: "alice", issuer: issuers[0].url, users: 3, withinMinutes: 30, resumedAt: null },
  ]);
  const resumed = await ask(OPERATOR, RESUME, { variables: { subject: "alice" } });
  expect(outcomeOf(resumed)).toEqual({
    subject: "alice",
    resumedAt: expect.stringMatching(/Z$/),
    resumedBy: { subject: "operator" },
  });
  expect(outcomeOf(await ask(OPERATOR, PAUSED))).toEqual([]);
  expect(outcomeOf(await ask(OPERATOR, RESUME, { variables: { subject: "alice" } }))).toBeNull();
  for (const of of [one, two]) expect((await ask(ALICE_ASKS, changeOf(ALICE), { of })).errors).toEqual([]);

  const lines = [...one.logLines, ...two.logLines].map((line) => JSON.parse(line) as { msg: string });
  const said = lines.filter(({ msg }) => msg.includes("is paused until an operator resumes them"));
  expect(said).toEqual([expect.objectContaining({ level: "warn", caller: "alice", opUin: CAROL })]);
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: "a paused caller was resumed", caller: "alice", resumedBy: "operator" }),
  );
});

test("no caller resumes themselves, and the issuer is required if two paused callers have the same name", async () => {
  const { ask, issuers } = await worldWithPause();
  const elsewhere = { ...ALICE_ASKS, elsewhere: true };
  for (const user of [ALICE, BOB]) expect((await ask(elsewhere, changeOf(user))).errors).toEqual([]);
  expect(outcomeOf(await ask(elsewhere, changeOf(CAROL)))).toBe("CALLER_PAUSED");
  const [{ url: issuer }] = issuers;
  for (const own of [{ subject: "alice" }, { subject: "alice", elsewhere: true }]) {
    const who: Who = { ...own, scopes: ["cam.callers:resume"] };
    expect(outcomeOf(await ask(who, RESUME, { variables: { subject: "alice", issuer } }))).toBe("FORBIDDEN");
  }
  expect(outcomeOf(await ask(OPERATOR, RESUME, { variables: { subject: "alice" } }))).toBe("BAD_USER_INPUT");
  const variables = { subject: "alice", issuer };
  expect(outcomeOf(await ask(OPERATOR, RESUME, { variables }))).toMatchObject({ subject: "alice" });
  expect((await ask(ALICE_ASKS, changeOf(CAROL))).errors).toEqual([]);
  expect(outcomeOf(await ask(elsewhere, changeOf(CAROL)))).toBe("CALLER_PAUSED");
  // The scope for changes does not include the scope of an operator.
  expect(outcomeOf(await ask(BOB_ASKS, PAUSED))).toBe("FORBIDDEN");
  expect(outcomeOf(await ask(BOB_ASKS, RESUME, { variables }))).toBe("FORBIDDEN");
});

test("a paused caller cannot approve other callers' changes, and can still reject them", async () => {
  const { ask, one } = await worldWithPause();
  const heidi = `mutation { setSubUserMfa(opUin: "${HEIDI}", login: { phone: true }) { requestId } }`;
  const id = changeIdOf(await ask(BOB_ASKS, heidi));
  const approve = `mutation { approveMfaChange(id: "${id}") { requestId } }`;
  one.cam.clearJournal();
  expect(outcomeOf(await ask(ALICE_ASKS, approve))).toBe("CALLER_PAUSED");
  expect(one.cam.journal()).toEqual([]);
  const reject = `mutation { rejectMfaChange(id: "${id}") { status } }`;
  expect(outcomeOf(await ask(ALICE_ASKS, reject))).toEqual({ status: "REFUSED" });
});
