import { beforeAll, describe, expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import { type Reply, type StartedGateway, startGateway } from "../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

const BY_VARIABLES = `mutation ($opUin: Uin!, $login: LoginActionMfaFlagInput) {
  setSubUserMfa(opUin: $opUin, login: $login) { requestId }
}`;
const byLiteral = (opUin: string, flagSet = "{ phone: true }") =>
  `mutation { setSubUserMfa(opUin: ${opUin}, login: ${flagSet}) { requestId } }`;

const RANGE = "A Uin lies between 1 and 18446744073709551615.";

describe("a malformed Uin is refused before the gateway calls CAM", () => {
  test.each([
    ["0", "A Uin is greater than 0."],
    ['"0"', "A Uin is greater than 0."],
    ["-1", '"-1" is not a Uin'],
    ["18446744073709551616", RANGE],
    ['"18446744073709551616"', RANGE],
    ["1.5", "A Uin is written as a string of digits"],
    ['"1.5"', '"1.5" is not a Uin'],
    ['"abc"', '"abc" is not a Uin'],
    ['""', "The Uin is empty"],
    ['" 1"', "blanks around the Uin"],
    ['"007"', "without leading zeros"],
    ["true", "A Uin is written as a string of digits"],
    ["[1]", "A Uin is written as a string of digits"],
    ["{}", "A Uin is written as a string of digits"],
    ["abc", "A Uin is written as a string of digits"],
    ["null", 'Expected value of type "Uin!", found null.'],
  ])("written as %s", async (literal, problem) => {
    const reply = await expectRefused(byLiteral(literal));
    expect(reply.errors).toMatchObject([{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }]);
    expect(reply.errors[0]?.message).toContain(problem);
  });

  test.each([
    [0, "A Uin is greater than 0."],
    [-1, "A Uin is greater than 0."],
    [1.5, "1.5 is not a whole number"],
    [2 ** 53, "A number this large loses digits in JSON"],
    [2 ** 64, "A number this large loses digits in JSON"],
    ["18446744073709551616", RANGE],
    ["abc", '"abc" is not a Uin'],
    ["1e3", '"1e3" is not a Uin'],
    [true, "not a value of type boolean"],
    [["1"], "not a list"],
    [{ value: "1" }, "not a value of type object"],
    [null, 'of non-null type "Uin!" must not be null'],
    [undefined, 'of required type "Uin!" was not provided'],
  ])("sent as the variable %j", async (opUin, problem) => {
    const reply = await expectRefused(BY_VARIABLES, { opUin, login: { phone: true } });
    expect(reply.errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT" } }]);
    expect(reply.errors[0]?.message).toContain(problem);
  });

  test("inside a list", async () => {
    const query = "query ($opUins: [Uin!]!) { subUsers(opUins: $opUins) { name } }";
    const reply = await expectRefused(query, { opUins: [ALICE, 2 ** 60] });
    expect(reply.errors[0]?.message).toContain('at "opUins[1]"');
  });
});

describe("a wrong name or type is refused without suggestions from the schema", () => {
  test.each([
    ["a field", `mutation { setSubUserMfa(opUin: "${ALICE}") { requestIdd } }`],
    ["a mutation", `mutation { setSubUserMfaa(opUin: "${ALICE}") { requestId } }`],
    ["an argument", `mutation { setSubUserMfa(opUin: "${ALICE}", logn: {}) { requestId } }`],
    ["a field of an input", byLiteral(`"${ALICE}"`, "{ phon: true }")],
    ["a type", "query ($opUin: Uinn!) { subUser(opUin: $opUin) { name } }"],
    ["a fragment", "{ subUser(opUin: 1) { ... on SubUserr { name } } }"],
    ["a directive", "{ subUser(opUin: 1) @includ(if: true) { name } }"],
  ])("%s", async (_case, query) => {
    const { errors } = await expectRefused(query);
    expect(errors).toMatchObject([{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }]);
  });

  test("a field of an input variable", async () => {
    const { errors } = await expectRefused(BY_VARIABLES, { opUin: ALICE, login: { phon: true } });
    expect(errors).toMatchObject([
      { message: expect.stringMatching(/is not defined by type "LoginActionMfaFlagInput"\.$/) },
    ]);
  });

  test.each([
    ["a string for a flag", { phone: "true" }],
    ["a number for a flag", { phone: 1 }],
    ["a list for a flag set", [{ phone: true }, { phone: false }]],
    ["a string for a flag set", "phone"],
  ])("%s", async (_case, login) => {
    const { errors } = await expectRefused(BY_VARIABLES, { opUin: ALICE, login });
    expect(errors[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT" });
  });
});

test.each([
  ["no operation", "fragment F on Query { __typename }"],
  ["a syntax error", "mutation { setSubUserMfa("],
  ["two operations and no name", "query A { __typename } query B { __typename }"],
  ["a subscription", "subscription { x }"],
  ["@defer, which the gateway does not support", "{ ... @defer { __typename } }"],
  ["@stream, which the gateway does not support", "{ subUsers(opUins: [1]) @stream { opUin } }"],
])("%s is refused", async (_case, query) => {
  await expectRefused(query);
});

describe("a document over a limit is refused", () => {
  const deep = (levels: number) => `{ mfaChanges ${"{ edges ".repeat(levels)} ${"}".repeat(levels)} }`;
  test.each([
    ["of depth", deep(14), "depth"],
    [
      "of aliases",
      `{ ${Array.from({ length: 1_001 }, (_, at) => `a${at}: camErrors { code }`).join(" ")} }`,
      "Aliases",
    ],
    ["of directives", `{ __typename ${"@skip(if: false) ".repeat(51)} }`, "Directives"],
    ["of tokens", `{ ${"__typename ".repeat(15_000)} }`, "token"],
  ])("%s", async (_case, query, word) => {
    const { errors } = await expectRefused(query);
    expect(errors.map(({ message }) => message).join()).toMatch(new RegExp(word, "i"));
  });
});

test("an error message quotes invalid input in part only", async () => {
  const long = "x".repeat(100_000);
  for (const query of [`{ ${long} }`, `{ subUser(opUin: "${long}") { name } }`, `"${long}`]) {
    const { errors, text } = await expectRefused(query);
    expect(errors[0]?.message.length).toBeLessThanOrEqual(301);
    expect(text.length).toBeLessThan(2_000);
  }
  const { text } = await expectRefused(BY_VARIABLES, { opUin: long });
  expect(text.length).toBeLessThan(2_000);
});

test("the error of a malformed Uin literal has its location", async () => {
  const { errors } = await expectRefused('{ a: subUser(opUin: "x") { name } }');
  expect(errors[0]).toMatchObject({ locations: [{ line: 1, column: 21 }] });
});

test("the gateway refuses a deeply nested document and keeps answering", async () => {
  const { send } = shared;
  const deep = `{ a ${"{ b ".repeat(4_000)} ${"}".repeat(4_000)} }`;
  expect((await send(deep)).errors.length).toBeGreaterThan(0);
  expect((await send("{ __typename }")).data).toEqual({ __typename: "Query" });
});

test("introspection is off if the playground is off", async () => {
  for (const query of ["{ __schema { types { name } } }", '{ __type(name: "SubUser") { name } }']) {
    const { errors } = await expectRefused(query);
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(/^Introspection is off\./),
        extensions: { code: "GRAPHQL_VALIDATION_FAILED", validationErrorCode: "INTROSPECTION_DISABLED" },
      },
    ]);
  }
});

/** Misspelt names of the schema: a field, an argument, an enum value and a field of an input variable. */
const MISSPELT: readonly (readonly [query: string, variables?: Record<string, unknown>])[] = [
  ["{ camQuotas { action } }"],
  ['{ subUser(opUinn: "100021969091") { name } }'],
  ["{ mfaChanges(status: APPLIEDD) { nodes { id } } }"],
  [
    `mutation ($login: LoginActionMfaFlagInput) {
      setSubUserMfa(opUin: "100021969091", login: $login) { requestId }
    }`,
    { login: { phones: true } },
  ],
];

test("a misspelt name gets no suggestion while introspection is off", async () => {
  // expectRefused looks for suggestions in every refusal.
  for (const [query, variables] of MISSPELT) await expectRefused(query, variables);
});

test("a misspelt name gets a suggestion of limited length while introspection is on", async () => {
  const { send } = await startGateway({ env: { INTROSPECTION: "on" } });
  for (const [query, variables] of MISSPELT) {
    const { errors, status } = await send(query, variables);
    expect(status).toBe(200);
    expect(errors[0]?.message).toMatch(/ Did you mean (the enum value )?"(camQuota|opUin|APPLIED|phone)"/);
  }
  const { errors, text } = await send(`{ camQuota${"s".repeat(100_000)} }`);
  expect(errors[0]?.message.length).toBeLessThanOrEqual(301);
  expect(text.length).toBeLessThan(2_000);
});

/** Expects a GraphQL error without a call of CAM and without internal details. */
async function expectRefused(query: string, variables?: Record<string, unknown>): Promise<Reply> {
  const { send, cam } = shared;
  const reply = await send(query, variables);
  // In application/json, a status other than 200 would mean that the answer is not from GraphQL.
  expect(reply.status).toBe(200);
  expect(reply.data).toBeUndefined();
  for (const { extensions } of reply.errors) {
    expect(extensions["requestId"]).toBe(reply.headers["x-request-id"]);
  }
  expect(reply.errors.length).toBeGreaterThan(0);
  expect(reply.text).not.toMatch(/Did you mean|node_modules|\/src\/|SecretKey|\bat [\w.<]+ \(/);
  expect(cam.journal().map(({ action }) => action)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/SetMfaFlag|Describe/)]),
  );
  return reply;
}
