import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { EXAMPLES_DIR } from "../../src/gateway/package-paths.ts";
import { loadExamples } from "../../src/http/playground/playground.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { scanDirectory } from "../support/scan-directory.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { startLocalGateway } from "../support/start-gateway.ts";

interface Answer {
  data: { trySetSubUserMfa?: { code?: string } } | null;
  errors?: { message: string; extensions: { code: string; cam?: { code: string } } }[];
}

const examples = [
  ...(await loadExamples(EXAMPLES_DIR)),
  ...(await loadExamples(join(EXAMPLES_DIR, "routers"))),
];
let url: string;

beforeAll(async () => {
  const gateway = await startLocalGateway({ DATABASE_URL: await createTestPostgres() });
  url = gateway.address.url;
  return () => gateway.stop();
});

// In order, because an example may show a change of an earlier one.
test.each(examples)(
  "$name gets the answer that its comment describes",
  async ({ document, description, errorCode }) => {
    const promisedCamCode = /extensions\.cam\.code is (\w+\.\w+)/.exec(description)?.[1];
    const { data, errors } = await post(document);
    const code = errors?.[0]?.extensions.code ?? data?.trySetSubUserMfa?.code ?? null;
    expect(code, errors?.[0]?.message).toBe(errorCode);
    if (promisedCamCode !== undefined) {
      expect(errors?.[0]?.extensions.cam?.code).toBe(promisedCamCode);
    }
  },
);

test("the examples of the directory find alice, list users without protection, and count all users", async () => {
  await scanDirectory(async (query) => ({ errors: [], ...(await post(query)) }));
  const dataOf = async (name: string) =>
    (await post(examples.find((example) => example.name === name)?.document ?? "")).data;
  expect(await dataOf("FindAUserByName")).toMatchObject({
    subUserDirectory: { nodes: [{ account: "default", opUin: ALICE, name: "alice" }] },
  });
  const { subUserDirectory } = (await dataOf("WhoHasNoProtection")) as unknown as {
    readonly subUserDirectory: { readonly totalCount: number; readonly nodes: readonly { opUin: string }[] };
  };
  expect(subUserDirectory.nodes.map(({ opUin }) => opUin)).toContain(BOB);
  expect(await dataOf("CoverageOfAccounts")).toMatchObject({
    mfaCoverage: [{ account: "default", login: { unprotected: subUserDirectory.totalCount } }],
  });
});

test("the examples of rollouts plan one for all users without login protection, and read the plan", async () => {
  const read = examples.find(({ name }) => name === "ReadTheLatestPlan")?.document ?? "";
  await expect
    .poll(async () => (await post(read)).data, { timeout: 30_000 })
    .toMatchObject({
      mfaRollouts: {
        nodes: [
          {
            name: "Phones for everybody",
            status: "PLANNED",
            planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
            reasons: expect.arrayContaining([expect.objectContaining({ code: "USER_NOT_BIND_PHONE" })]),
          },
        ],
      },
    });
});

async function post(query: string): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
  return (await response.json()) as Answer;
}
