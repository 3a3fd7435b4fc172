import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { fencedBlocks } from "../../docs/pages.ts";
import { scanDirectory } from "../../support/scan-directory.ts";
import { ALICE, BOB, CAROL } from "../../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../../support/start-gateway.ts";

/** A real scan of the emulated account fills the directory once for all tests. */
const { send, cam } = await startGateway(UNLIMITED);
await scanDirectory(send);

interface Listed {
  readonly totalCount: number;
  readonly nodes: readonly { readonly name: string; readonly opUin: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

async function list(args: string, fields = "name opUin"): Promise<Listed> {
  const query = `{ subUserDirectory${args} { totalCount nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`;
  const { data, errors } = await send(query);
  expect(errors).toEqual([]);
  return (data as { subUserDirectory: Listed }).subUserDirectory;
}

const namesOf = ({ nodes }: Listed) => nodes.map(({ name }) => name);

test("finds a user by a part of the name and shows what is known, without a call to CAM", async () => {
  cam.clearJournal();
  const { nodes } = await list(
    '(filter: { search: "ALI" })',
    `id account opUin name remark createTime lastLoginTime strength loginProtection actionProtection hasPhone hasEmail
     consoleLogin protectionsAsOf knownMfa { login { phone stoken } action { stoken } source }`,
  );
  expect(nodes).toEqual([
    {
      ...{ id: ALICE, account: "default", opUin: ALICE, name: "alice", hasPhone: true, hasEmail: true },
      ...{ remark: expect.any(String), createTime: expect.any(String), lastLoginTime: "2026-11-02 09:15:00" },
      ...{
        strength: "TOTP",
        loginProtection: "PROTECTED",
        actionProtection: "UNPROTECTED",
        consoleLogin: true,
      },
      protectionsAsOf: expect.stringMatching(/Z$/),
      knownMfa: { login: { phone: false, stoken: true }, action: { stoken: false }, source: "SCAN" },
    },
  ]);
  expect(cam.journal()).toEqual([]);
});

test("reads from CAM only the fields that the directory does not keep", async () => {
  cam.clearJournal();
  const { nodes } = await list(
    `(filter: { opUins: ["${ALICE}", "${BOB}"] })`,
    "uid mfa { login { stoken } }",
  );
  expect(nodes).toEqual([
    { uid: expect.any(String), mfa: { login: { stoken: true } } },
    { uid: expect.any(String), mfa: { login: { stoken: expect.any(Boolean) } } },
  ]);
  const actions = cam.journal().map(({ action }) => action);
  expect(actions.toSorted()).toEqual([
    "DescribeSafeAuthFlagColl",
    "DescribeSafeAuthFlagColl",
    "DescribeSubAccounts",
  ]);
});

test.each([
  ["by a word of the remark and the Uin", `{ search: "${CAROL.slice(-4)}" }`],
  ["by operation protection", "{ action: UNPROTECTED }"],
  ["by methods", "{ methods: [STOKEN, WECHAT] }"],
  ["by strength", "{ strength: [TOTP] }"],
  ["by phone", "{ hasPhone: true }"],
  ["by console login", "{ consoleLogin: true }"],
  ["by users who never logged in", "{ neverLoggedIn: true }"],
  ["by last login", '{ inactiveSince: "2026-11-03T00:00:00Z" }'],
  ["by age", '{ staleSince: "2030-01-01T00:00:00Z" }'],
])("filters %s, and the count is that of all pages", async (_case, filter) => {
  const all = await list("(first: 100)");
  const found = await list(`(filter: ${filter}, first: 100)`);
  expect(found.totalCount).toBe(found.nodes.length);
  expect(found.totalCount).toBeGreaterThan(0);
  const uins = new Set(all.nodes.map(({ opUin }) => opUin));
  for (const { opUin } of found.nodes) expect(uins).toContain(opUin);
});

test("pages through an order without a repeat, and the pages together are the whole list", async () => {
  const whole = await list("(orderBy: { field: NAME, direction: DESC }, first: 100)");
  expect(namesOf(whole)).toEqual(namesOf(await list("(first: 100)")).toReversed());
  const seen: string[] = [];
  let after = "null";
  for (let more = true; more; ) {
    const page = await list(`(orderBy: { field: NAME, direction: DESC }, first: 3, after: ${after})`);
    expect(page.totalCount).toBe(whole.totalCount);
    seen.push(...namesOf(page));
    more = page.pageInfo.hasNextPage;
    after = JSON.stringify(page.pageInfo.endCursor);
  }
  expect(seen).toEqual(namesOf(whole));
});

test("the coverage agrees with the lists", async () => {
  const states = "protected unprotected unknown";
  const { data } = await send(
    `{ mfaCoverage { account users login { ${states} } action { ${states} } strengths { strength users }
       neverLoggedIn unknown oldestKnowledge } }`,
  );
  const countOf = async (filter: string) => (await list(`(filter: { ${filter} })`)).totalCount;
  const byState = async (protection: string) => ({
    protected: await countOf(`${protection}: PROTECTED`),
    unprotected: await countOf(`${protection}: UNPROTECTED`),
    unknown: await countOf(`${protection}: UNKNOWN`),
  });
  const names = ["UNKNOWN", "NONE", "SMS", "WECHAT_OR_MAIL", "TOTP", "HARDWARE"];
  const strengths = await Promise.all(
    names.map(async (strength) => ({ strength, users: await countOf(`strength: [${strength}]`) })),
  );
  expect(data).toEqual({
    mfaCoverage: [
      {
        account: "default",
        users: (await list("")).totalCount,
        login: await byState("login"),
        action: await byState("action"),
        strengths,
        neverLoggedIn: await countOf("neverLoggedIn: true"),
        unknown: 0,
        oldestKnowledge: expect.stringMatching(/Z$/),
      },
    ],
  });
});

test("tells for each method whether the user can have it, with the remedy", async () => {
  const methods = async (opUin: string) => {
    const fields = "availableMethods { method available code remedy atNextLogin }";
    const { data } = await send(`{ subUser(opUin: "${opUin}") { ${fields} } }`);
    return (data as { subUser: { availableMethods: readonly object[] } }).subUser.availableMethods;
  };
  const ofBob = await methods(BOB);
  expect(ofBob).toHaveLength(8);
  expect(ofBob.slice(0, 4)).toEqual([
    {
      ...{ method: "PHONE", available: "NO", code: "USER_NOT_BIND_PHONE", atNextLogin: null },
      remedy: expect.stringContaining("Bind a phone number"),
    },
    {
      ...{ method: "TOKEN", available: "NO", code: "MFA_METHOD_NOT_WRITABLE", atNextLogin: null },
      remedy: expect.stringContaining("in the Tencent Cloud console"),
    },
    {
      ...{ method: "STOKEN", available: "YES", code: null, remedy: null },
      atNextLogin: expect.stringContaining("binds one first"),
    },
    {
      ...{ method: "WECHAT", available: "UNKNOWN", code: "USER_NOT_BIND_WECHAT" },
      remedy: expect.stringContaining("bind WeChat"),
      atNextLogin: expect.stringContaining("scan"),
    },
  ]);
  expect(await methods(ALICE)).toContainEqual(expect.objectContaining({ method: "PHONE", available: "YES" }));
});

test("a change shows in the directory at once", async () => {
  const change = `setSubUserMfa(opUin: "${CAROL}", action: { stoken: true })`;
  const fields = "actionProtection knownMfa { source }";
  const { data } = await send(`mutation { ${change} { subUser { ${fields} } } }`);
  const expected = { actionProtection: "PROTECTED", knownMfa: { source: "CHANGE" } };
  expect(data).toEqual({ setSubUserMfa: { subUser: expected } });
  expect((await list(`(filter: { opUins: ["${CAROL}"] })`, fields)).nodes).toEqual([expected]);
});

test.each([
  ["a cursor of another filter", async () => `(filter: { search: "a" }, after: "${await someCursor()}")`],
  ["a cursor of another order", async () => `(orderBy: { field: CREATED }, after: "${await someCursor()}")`],
  ["a cursor of other accounts", async () => `(accounts: ["default"], after: "${await someCursor()}")`],
  ["a forged cursor", async () => '(after: "eyJvZmZzZXQiOjIwfQ")'],
  ["a page of 101", async () => "(first: 101)"],
  ["a page of none", async () => "(first: 0)"],
  ["a search of 101 characters", async () => `(filter: { search: "${"x".repeat(101)}" })`],
  ["a search with NUL", async () => '(filter: { search: "\\u0000" })'],
  [
    "501 Uins",
    async () => `(filter: { opUins: [${Array.from({ length: 501 }, (_, at) => `"${at + 1}"`).join()}] })`,
  ],
])("refuses %s as bad input", async (_case, args) => {
  const { errors } = await send(`{ subUserDirectory${await args()} { totalCount } }`);
  expect(errors).toEqual([
    expect.objectContaining({ extensions: expect.objectContaining({ code: "BAD_USER_INPUT" }) }),
  ]);
});

async function someCursor(): Promise<string> {
  return (await list("(first: 1)")).pageInfo.endCursor ?? "";
}

test("takes wildcards and quotes in a search as they are", async () => {
  for (const search of ["%", "_", "\\\\", "'", "a%e"]) {
    expect((await list(`(filter: { search: "${search}" })`)).totalCount).toBe(0);
  }
});

test("a pause stays until the resume, and a scan of fresh knowledge makes no call", async () => {
  const { data: paused } = await send("mutation { pauseDirectoryScan { status pausedBy } }");
  expect(paused).toEqual({ pauseDirectoryScan: { status: "PAUSED", pausedBy: "local" } });
  const { data: asked } = await send("mutation { scanDirectory { status } }");
  expect(asked).toEqual({ scanDirectory: { status: "PAUSED" } });
  const { errors } = await send("mutation { resumeDirectoryScan { status } }");
  expect(errors).toEqual([]);
  cam.clearJournal();
  await scanDirectory(send);
  expect(cam.journal()).toEqual([]);
});

test("the queries of the page on the directory run", async () => {
  const queries = fencedBlocks(await readFile("docs/iam/directory.md", "utf8")).filter(
    ({ language }) => language === "graphql",
  );
  expect(queries.length).toBeGreaterThan(3);
  for (const { text } of queries) expect((await send(text)).errors).toEqual([]);
});

test("the three queries of the README run", async () => {
  const queries = [...(await readFile("README.md", "utf8")).matchAll(/^- .*: `(\{ .* \})`$/gm)];
  expect(queries).toHaveLength(3);
  for (const [, query = ""] of queries) expect((await send(query)).errors).toEqual([]);
});
