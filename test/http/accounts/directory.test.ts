import { beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../../cli/run-command.ts";
import { scanDirectory } from "../../support/scan-directory.ts";
import { ALICE } from "../../support/seed-users.ts";
import { UNLIMITED } from "../../support/start-gateway.ts";
import { codesOf, startAccountsWorld } from "./accounts-world.ts";

/** Chen may use only the default account. Wang may also use the partner's account. */
let world: Awaited<ReturnType<typeof startAccountsWorld>>;
beforeAll(async () => {
  world = await startAccountsWorld({ env: UNLIMITED.env });
  for (const account of ["default", "partner"]) {
    await scanDirectory((query) => world.ask(query, "wang"), account);
  }
});

interface Seen {
  readonly subUserDirectory: {
    readonly totalCount: number;
    readonly nodes: readonly { readonly account: string }[];
  };
  readonly mfaCoverage: readonly { readonly account: string; readonly users: number }[];
  readonly directoryScans: readonly { readonly account: string }[];
  readonly mfaDrift: { readonly nodes: readonly object[] };
}

async function see(subject: string, accounts: readonly string[] | null = null): Promise<Seen> {
  const { data, errors } = await world.ask(
    `query ($accounts: [String!]) {
      subUserDirectory(accounts: $accounts, first: 100) { totalCount nodes { account } }
      mfaCoverage(accounts: $accounts) { account users }
      directoryScans(accounts: $accounts) { account }
      mfaDrift(accounts: $accounts) { nodes { id } }
    }`,
    subject,
    { accounts },
  );
  expect(errors).toEqual([]);
  return data as unknown as Seen;
}

/** Returns the account of each row of the command's report. */
async function report(subject: string, accounts: readonly string[] | null): Promise<readonly string[]> {
  const args = (accounts ?? []).flatMap((account) => ["--account", account]);
  const { stdout } = await runCommand("report", ["--format", "jsonl", ...args], {
    GATEWAY_URL: world.gateway.address.url,
    GATEWAY_TOKEN: await world.tokenOf(subject),
  });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).account);
}

describe.each([
  ["wang", null, ["default", "partner"]],
  ["wang", ["partner"], ["partner"]],
  ["wang", ["partner", "default", "partner"], ["default", "partner"]],
  ["chen", null, ["default"]],
  ["chen", ["default"], ["default"]],
] as const)("%s, who asks for the accounts %j,", (subject, accounts, expected) => {
  test("sees the same accounts in lists, counts, coverage, scans and the report", async () => {
    const { subUserDirectory, mfaCoverage, directoryScans } = await see(subject, accounts);
    const listed = new Set(subUserDirectory.nodes.map(({ account }) => account));
    expect([...listed].sort()).toEqual(expected);
    expect(mfaCoverage.map(({ account }) => account)).toEqual(expected);
    expect(directoryScans.map(({ account }) => account)).toEqual(expected);
    const covered = mfaCoverage.reduce((sum, { users }) => sum + users, 0);
    expect(subUserDirectory.totalCount).toBe(covered);
    expect(subUserDirectory.nodes).toHaveLength(covered);
    const reported = await report(subject, accounts);
    expect([...new Set(reported)].sort()).toEqual(expected);
    expect(reported).toHaveLength(covered);
  });
});

const FIELDS = ["subUserDirectory { totalCount }", "mfaCoverage { users }", "directoryScans { status }"];

test.each([
  ...FIELDS.map((field) => field.replace(" {", '(accounts: ["partner"]) {')),
  'mfaDrift(accounts: ["partner"]) { nodes { id } }',
])("an account of others and one that does not exist get the same refusal: %s", async (field) => {
  const refused = await world.ask(`{ ${field} }`, "chen");
  expect(codesOf(refused)).toEqual(["FORBIDDEN"]);
  const missing = await world.ask(`{ ${field.replace("partner", "nowhere")} }`, "chen");
  expect(codesOf(missing)).toEqual(codesOf(refused));
  expect(refused.data).toEqual(missing.data);
});

test.each(["scanDirectory", "pauseDirectoryScan", "resumeDirectoryScan"])(
  "a caller cannot control the scans of an account of others by %s",
  async (field) => {
    const refused = await world.ask(`mutation { ${field}(account: "partner") { status } }`, "chen");
    expect(codesOf(refused)).toEqual(["FORBIDDEN"]);
    expect((await see("wang", ["partner"])).directoryScans).toEqual([{ account: "partner" }]);
  },
);

test("a cursor of another caller's list is refused or shows nothing of other accounts", async () => {
  const page = `query ($after: String) {
    subUserDirectory(first: 1, after: $after) { nodes { account } pageInfo { endCursor } }
  }`;
  const { data } = await world.ask(page, "wang");
  const { endCursor } = (data as { subUserDirectory: { pageInfo: { endCursor: string } } }).subUserDirectory
    .pageInfo;
  const reply = await world.ask(page, "chen", { after: endCursor });
  const nodes = (reply.data as Partial<Pick<Seen, "subUserDirectory">> | null)?.subUserDirectory?.nodes ?? [];
  expect(nodes.filter(({ account }) => account !== "default")).toEqual([]);
});

test("the same Uin in two accounts is two users", async () => {
  const { data } = await world.ask(
    `{ subUserDirectory(filter: { opUins: ["${ALICE}"] }) { nodes { id remark } } }`,
    "wang",
  );
  expect(data).toEqual({
    subUserDirectory: {
      nodes: [
        { id: ALICE, remark: expect.any(String) },
        { id: `partner/${ALICE}`, remark: "of the partner" },
      ],
    },
  });
});
