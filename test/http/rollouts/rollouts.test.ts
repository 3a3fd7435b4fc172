import { expect, test, vi } from "vitest";
import { ALICE, BOB, FRANK, NOBODY } from "../../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { askForPlan, planned, planOf, read, whenPlanned } from "./plan-rollout.ts";

const gateway = await startGateway({ ...UNLIMITED });

test("plans what it would do with each user, and changes no user", async () => {
  const rollout = await planned(gateway.send, planOf({ desired: { login: { stoken: true } } }));
  expect(rollout).toMatchObject({ status: "PLANNED", planHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(gateway.cam.journal().map(({ action }) => action)).not.toContain("SetMfaFlag");
});

test("plans for each listed user once, and blocks one who does not exist", async () => {
  const opUins = [NOBODY, ALICE, BOB, ALICE];
  const { items } = await planned(gateway.send, planOf({ selection: { opUins } }));
  expect(items.nodes).toMatchObject([
    { opUin: NOBODY, state: "BLOCKED", code: "USER_NOT_EXIST" },
    { opUin: ALICE },
    { opUin: BOB },
  ]);
});

test.each<[what: string, input: object, code: string]>([
  ["nothing to change", { desired: {} }, "NOTHING_TO_CHANGE"],
  ["the loss of other methods", { overwriteOtherMethods: true }, "BAD_USER_INPUT"],
  [
    "the loss of other methods of a protection",
    { desired: { login: { phone: true }, overwriteOtherMethods: true } },
    "BAD_USER_INPUT",
  ],
  ["an account that the caller may not use", { selection: { accounts: ["nowhere"] } }, "FORBIDDEN"],
  ["a name without letters", { name: " " }, "BAD_USER_INPUT"],
  ["two error budgets", { maxFailures: { count: 1, percent: 1 } }, "BAD_USER_INPUT"],
  ["a wave without users", { waves: [{ users: 0 }] }, "BAD_USER_INPUT"],
  ["a negative hold", { waves: [{ users: 1, holdHours: -1 }] }, "BAD_USER_INPUT"],
  [
    "holds that end after the run",
    {
      waves: [
        { users: 1, holdHours: 100 },
        { users: 1, holdHours: 68 },
      ],
    },
    "BAD_USER_INPUT",
  ],
  ["a window of no time", { window: { from: "10:00", to: "09:00", timeZone: "UTC" } }, "BAD_USER_INPUT"],
  [
    "a filter by the age of knowledge",
    { selection: { filter: { staleSince: "2026-01-01T00:00:00Z" } } },
    "BAD_USER_INPUT",
  ],
  [
    "200,000 users",
    { selection: { opUins: Array.from({ length: 200_000 }, (_, at) => String(100_000_000_000 + at)) } },
    "ROLLOUT_SELECTION",
  ],
])("refuses a plan with %s", async (_, more, code) => {
  const { errors } = await askForPlan(gateway.send, planOf(more));
  expect(errors.map(({ extensions }) => extensions["code"])).toEqual([code]);
});

test("a list of 100,000 users fits into a request, and a larger body is refused as such", async () => {
  const inputOf = (count: number) => {
    const opUins = Array.from({ length: count }, (_, at) => String(10n ** 19n + BigInt(at)));
    return planOf({ selection: { opUins } });
  };
  const { data, errors } = await askForPlan(gateway.send, inputOf(100_000));
  expect(errors).toEqual([]);
  const { id } = (data as { planMfaRollout: { id: string } }).planMfaRollout;
  const cancel = "mutation ($id: ID!) { cancelMfaRollout(id: $id) { status } }";
  expect((await gateway.send(cancel, { id })).data).toEqual({ cancelMfaRollout: { status: "CANCELLED" } });
  const { status, text } = await gateway.http
    .post("/graphql")
    .send({ query: "{ a }", variables: inputOf(200_000) });
  expect([status, text]).toEqual([413, expect.stringContaining("The request body is larger than 4 MiB")]);
});

test("a plan without users fails, and one in which all are blocked is made", async () => {
  const empty = await planned(gateway.send, planOf({ selection: { filter: { search: "no such user" } } }));
  expect(empty).toMatchObject({ status: "PLAN_FAILED", code: "ROLLOUT_SELECTION" });
  const blocked = await planned(gateway.send, planOf({ selection: { opUins: [NOBODY] } }));
  expect(blocked).toMatchObject({ status: "PLANNED", counts: { willChange: 0, blocked: 1 } });
});

test("restores what it changed, and leaves users changed since", { timeout: 120_000 }, async () => {
  const change = planOf({ selection: { opUins: [BOB, FRANK] }, desired: { login: { stoken: true } } });
  const run = async (id: string, planHash: string | null) => {
    const start =
      "mutation ($id: ID!, $planHash: String!) { startMfaRollout(id: $id, planHash: $planHash) { id } }";
    expect((await gateway.send(start, { id, planHash })).errors).toEqual([]);
    await vi.waitFor(async () => expect((await read(gateway.send, id))?.status).toBe("DONE"), {
      timeout: 60_000,
      interval: 250,
    });
  };
  const undo = async (id: string) => {
    const text = 'mutation ($id: ID!) { planMfaRolloutUndo(id: $id, reason: "Back") { id } }';
    const { data, errors } = await gateway.send(text, { id });
    expect(errors).toEqual([]);
    return whenPlanned(gateway.send, (data as { planMfaRolloutUndo: { id: string } }).planMfaRolloutUndo.id);
  };
  const first = await planned(gateway.send, change);
  expect(first.counts).toMatchObject({ willChange: 2 });
  expect(first.price).toMatchObject({ usersLosingProtection: 0 });
  await run(first.id, first.planHash);
  const since = `mutation { setSubUserMfa(opUin: "${FRANK}", login: { phone: true }) { requestId } }`;
  await gateway.send(since);
  const back = await undo(first.id);
  expect(back.items.nodes).toMatchObject([
    { opUin: BOB, state: "WILL_CHANGE" },
    { opUin: FRANK, state: "CHANGED_SINCE", why: "The gateway has changed the user again since." },
  ]);
  expect(back.price).toMatchObject({ usersLosingProtection: 1 });
  await run(back.id, back.planHash);
  const { data } = await gateway.send(`{ subUser(opUin: "${BOB}") { mfa { login { stoken } } } }`);
  expect(data).toMatchObject({ subUser: { mfa: { login: { stoken: false } } } });
  // An undo is a rollout like any other.
  const again = await undo(back.id);
  expect(again.items.nodes).toMatchObject([{ opUin: BOB, state: "WILL_CHANGE" }]);
  await run(again.id, again.planHash);
  expect(gateway.cam.user(BOB)?.loginFlag).toMatchObject({ Stoken: 1 });
});
