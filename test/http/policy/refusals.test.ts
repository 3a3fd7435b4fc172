import { expect, test } from "vitest";
import { ALICE, BOB } from "../../support/seed-users.ts";
import { startPolicyWorld } from "./policy-world.ts";

const POLICY = {
  protectedUsers: [BOB],
  rules: [
    { id: "no-sms-off", effect: "deny", switches: ["login.phone.off"] },
    { id: "helpdesk", effect: "allow", callers: { subjects: ["wang"] } },
  ],
};

const { ask, change, tryChange } = await startPolicyWorld(POLICY);

const EVENTS = `query ($caller: String, $after: String) {
  auditEvents(caller: $caller, after: $after, first: 2) {
    nodes { id kind at account by { subject client issuer } rule code opUin gatewayRequestId count details }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

interface EventsPage {
  readonly nodes: readonly Record<string, unknown>[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

async function eventsOf(caller: string, after?: string): Promise<EventsPage> {
  const { data, errors } = await ask(EVENTS, { caller, after }, "auditor");
  expect(errors).toEqual([]);
  return (data as { readonly auditEvents: EventsPage }).auditEvents;
}

test("refusals are sealed with the caller and the rule, and auditors read them by pages", async () => {
  await change({ opUin: ALICE, login: { phone: false } }, "wang");
  await tryChange({ opUin: ALICE, login: { phone: true } }, "mallory");
  await change({ opUin: BOB, login: { phone: true } }, "wang");
  const query = "{ camQuota { action } }";
  const { errors } = await ask(query, {}, "wang");
  expect(errors).toMatchObject([{ extensions: { code: "FORBIDDEN" } }]);

  await expect
    .poll(() => eventsOf("mallory"), { timeout: 10_000 })
    .toMatchObject({
      nodes: [
        {
          kind: "REFUSAL",
          by: { subject: "mallory", client: "portal", issuer: expect.any(String) },
          ...{ rule: "policy (no rule)", code: "FORBIDDEN", opUin: ALICE, count: null },
          gatewayRequestId: expect.any(String),
          details: expect.stringContaining("Mutation.trySetSubUserMfa"),
        },
      ],
      pageInfo: { hasNextPage: false },
    });
  // The third refusal fills the first page and begins a second one.
  await expect
    .poll(async () => (await eventsOf("wang")).pageInfo.hasNextPage, { timeout: 10_000 })
    .toBe(true);
  const newest = await eventsOf("wang");
  expect(newest).toMatchObject({
    nodes: [
      { rule: "scope cam.quota:read", code: "FORBIDDEN", opUin: null },
      { rule: "protectedUsers", code: "PROTECTED_USER", opUin: BOB },
    ],
    pageInfo: { hasNextPage: true },
  });
  const oldest = await eventsOf("wang", newest.pageInfo.endCursor);
  expect(oldest.nodes).toMatchObject([{ rule: "policy no-sms-off", opUin: ALICE }]);
});

test("a change keeps the policy and the rules that allowed it", async () => {
  const done = await change({ opUin: ALICE, action: { phone: true } }, "wang");
  const { data } = await ask(
    "query ($id: ID!) { mfaChange(id: $id) { policyHash policyRules } }",
    { id: "id" in done ? done.id : "" },
    "auditor",
  );
  expect(data).toEqual({
    mfaChange: { policyHash: expect.stringMatching(/^[0-9a-f]{64}$/), policyRules: ["helpdesk"] },
  });
});

test("a name of an account that does not exist leaves no event of that name", async () => {
  const query = `mutation { setSubUserMfa(account: "no-such-account", opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
  for (const subject of ["wang", "eve"]) {
    expect((await ask(query, {}, subject)).errors).toHaveLength(1);
  }
  await expect.poll(async () => (await eventsOf("eve")).nodes.length, { timeout: 10_000 }).toBe(1);
  const [event] = (await eventsOf("eve")).nodes;
  expect(event).toMatchObject({ rule: "accounts", account: null });
  expect(JSON.stringify(event)).not.toContain("no-such-account");
});

test.each([
  ["first: 0", /"first" must be/],
  ["first: 101", /"first" must be/],
  [`after: "x"`, /"after" is not a cursor/],
])("bad arguments are refused: %s", async (args, message) => {
  const { errors } = await ask(`{ auditEvents(${args}) { nodes { id } } }`, {}, "auditor");
  expect(errors[0]?.message).toMatch(message);
});
