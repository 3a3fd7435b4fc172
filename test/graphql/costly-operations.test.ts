import { beforeAll, describe, expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  const env = { ...UNLIMITED.env, INTROSPECTION: "on", CALLER_RATE_PER_SECOND: "0" };
  shared = await startGateway({ ...UNLIMITED, env });
});

const SUB_USERS = "query ($of: [Uin!]!) { subUsers(opUins: $of) { name } }";
const ENTITIES = "query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }";

/** Joins `count` aliases or fragments, numbered from 0. */
function many(count: number, write: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => write(at)).join(" ");
}

/** Returns a document of three fragments. Each spreads the next one `uses` times. */
function fragmentsOfFragments(type: string, uses: number): string {
  const fragments = many(3, (at) => `fragment F${at} on ${type} { ${`...F${at + 1} `.repeat(uses)} }`);
  return `{ ...F0 } ${fragments} fragment F3 on ${type} { __typename }`;
}

describe("an operation that would block other callers is refused before it runs", () => {
  test.each<[what: string, query: string, why: RegExp, variables?: Record<string, unknown>]>([
    ["the catalogue of errors, 900 times", `{ ${many(900, (at) => `a${at}: camErrors { code }`)} }`, /20000/],
    ["the schema as text, 900 times", `{ ${many(900, (at) => `a${at}: _service { sdl }`)} }`, /20000/],
    [
      "introspection, 20 times",
      `{ ${many(20, (at) => `a${at}: __schema { types { name fields { name } } }`)} }`,
      /20000/,
    ],
    [
      "the record, 400 times",
      `{ ${many(400, (at) => `a${at}: mfaChanges(first: 1) { nodes { id } }`)} }`,
      /20000/,
    ],
    ["one user, 15,000 times", SUB_USERS, /20000/, { of: Array.from({ length: 15_000 }, () => ALICE) }],
    ["15,000 entities without a type", ENTITIES, /20000/, { of: Array.from({ length: 15_000 }, () => ({})) }],
    ["a field, 7,000 times", `{ camErrors { ${"code ".repeat(7_000)} } }`, /too often/],
    [
      "1,500 fragments",
      `{ ${many(1_500, (at) => `...F${at}`)} } ${many(1_500, (at) => `fragment F${at} on Query { __typename }`)}`,
      /too often/,
    ],
    ["fragments of fragments", fragmentsOfFragments("Query", 200), /15000 fields/],
    [
      "fragments of fragments with changes",
      `mutation ${fragmentsOfFragments("Mutation", 200)}`,
      /15000 fields/,
    ],
    [
      "aliases in a fragment that is spread under aliases",
      `{ ${many(40, (at) => `a${at}: camErrors { ...F }`)} } fragment F on CamErrorInfo { ${many(40, (at) => `b${at}: code`)} }`,
      /Aliases limit/,
    ],
  ])("%s", async (_what, query, why, variables) => {
    const { errors, data, status } = await shared.send(query, variables);
    expect(data).toBeUndefined();
    expect(errors).toMatchObject([
      { message: expect.stringMatching(why), extensions: { code: "GRAPHQL_VALIDATION_FAILED" } },
    ]);
    // A router would retry after a 500.
    expect(status).toBe(200);
  });

  test("an operation of a useful size runs: 2,000 users with their profiles", async () => {
    const uins = Array.from({ length: 2_000 }, (_, at) => String(BigInt(ALICE) + BigInt(at)));
    const profiles = "name uid remark userType createTime lastLoginTime lastLoginIp opUin";
    const { errors, data } = await shared.send(SUB_USERS.replace("name", profiles), { of: uins });
    expect(errors).toEqual([]);
    expect(data?.["subUsers"]).toHaveLength(2_000);
  });
});

describe("a request that nests too deep for the parser is refused with BAD_REQUEST", () => {
  const nested = (open: string, close: string) => open.repeat(5_000) + close.repeat(5_000);
  const body = (part: string) => `{"query":"{ __typename }",${part}}`;
  test.each([
    ["selections", JSON.stringify({ query: nested("{ a ", "}") })],
    ["lists", JSON.stringify({ query: `{ subUsers(opUins: ${nested("[", "]")}) { name } }` })],
    ["types", JSON.stringify({ query: `query ($a: ${nested("[", "]")}) { __typename }` })],
    ["lists of variables", body(`"variables":{"a":${nested("[", "]")}}`)],
    ["objects of variables", body(`"variables":{"a":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`)],
    ["lists of extensions", body(`"extensions":{"a":${nested("[", "]")}}`)],
  ])("%s", async (_what, text) => {
    const { http, logLines } = shared;
    const before = logLines.length;
    const response = await http.post("/graphql").set("content-type", "application/json").send(text);
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({
      errors: [{ message: expect.stringContaining("100 levels"), extensions: { code: "BAD_REQUEST" } }],
    });
    expect(logLines.slice(before)).toEqual([]);
  });

  test("brackets in a comment do not count as nesting", async () => {
    const query = `{ camErrors { code } } # ${"{".repeat(200)}`;
    expect((await shared.send(query)).errors).toEqual([]);
  });
});

test("many wrong values get at most 51 errors, and the gateway logs none as its own fault", async () => {
  const before = shared.logLines.length;
  const { errors, status } = await shared.send(SUB_USERS, { of: Array.from({ length: 60_000 }, () => "x") });
  expect(status).toBe(200);
  expect(errors.length).toBeLessThanOrEqual(51);
  expect(new Set(errors.map(({ extensions }) => extensions["code"]))).toEqual(new Set(["BAD_USER_INPUT"]));
  expect(shared.logLines.slice(before)).toEqual([]);
});
