import { expect, test } from "vitest";
import { startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph } from "../support/started-router.ts";
import { COST_CASES, LIST_OF_USERS } from "./support/cost-cases.ts";

/** Hive Gateway with its cost limit. Each reply has the estimated cost of the operation. */
const gateway = await startGateway(UNLIMITED);
const { url } = await startHiveGateway({
  subgraphs: [asSubgraph(gateway)],
  hive: { demandControl: { includeExtensionMetadata: true } },
});

test.each(COST_CASES)(
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
  const onlyNames = LIST_OF_USERS.replace("mfa { login { phone } }", "");
  expect((await post(onlyNames)).extensions?.cost.estimated).toBe(0);
  expect((await post(LIST_OF_USERS)).extensions?.cost.estimated).toBe(50);
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
