import { expect, test } from "vitest";
import { ALICE, BOB, CAROL } from "../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph } from "../support/started-router.ts";

/** Hive Gateway with its cost limit. Each reply has the estimated cost of the operation. */
const gateway = await startGateway(UNLIMITED);
const { url } = await startHiveGateway({
  subgraphs: [asSubgraph(gateway)],
  hive: { demandControl: { includeExtensionMetadata: true } },
});

test.each([
  ["a user", `{ subUser(opUin: "${ALICE}") { name } }`, 1],
  ["a user and the protections", `{ subUser(opUin: "${ALICE}") { name mfa { login { phone } } } }`, 2],
  ["two users", `{ a: subUser(opUin: "${ALICE}") { name } b: subUser(opUin: "${BOB}") { uid } }`, 2],
  ["a change", `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`, 2],
  // Hive counts 1 for the union, which cannot have a weight.
  ["a change, errors as data", `mutation { trySetSubUserMfa(opUin: "${BOB}") { __typename } }`, 3],
  ["an approval, errors as data", 'mutation { tryApproveMfaChange(id: "none") { __typename } }', 3],
  ["the list of paused callers", "{ pausedCallers { subject resumedBy { subject } } }", 0],
  ["the record", "{ mfaChanges { nodes { id requested { login { phone } } } } }", 0],
  ["the quota", "{ camQuota { action used } }", 0],
  ["the error catalogue", "{ camErrors { code } }", 0],
])(
  "a router estimates the cost of %s as the most calls of CAM that it can make",
  async (_case, query, calls) => {
    gateway.cam.clearJournal();
    const { extensions, errors } = await post(query);
    expect(errors).toBeUndefined();
    expect(extensions?.cost.estimated).toBe(calls);
    // The gateway reads the identity of its key at the start.
    const made = gateway.cam.journal().filter(({ action }) => action !== "GetCallerIdentity");
    expect(made.length).toBeLessThanOrEqual(calls);
  },
);

test("a list counts as 50 users: one call for all profiles and one call for each user's protections", async () => {
  const list = (fields: string) => `{ subUsers(opUins: ["${BOB}", "${CAROL}"]) { ${fields} } }`;
  expect((await post(list("name"))).extensions?.cost.estimated).toBe(0);
  expect((await post(list("name mfa { login { phone } }"))).extensions?.cost.estimated).toBe(50);
});

interface Answer {
  readonly errors?: readonly unknown[];
  readonly extensions?: { readonly cost: { readonly estimated: number } };
}

async function post(query: string): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
  return (await response.json()) as Answer;
}
