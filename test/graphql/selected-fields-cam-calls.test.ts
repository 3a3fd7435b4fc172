import { type GraphQLSchema, parse } from "graphql";
import { describe, expect, test } from "vitest";
import { CALLS_OF_FIELDS } from "../../src/graphql/directives.ts";
import { gatewaySchema } from "../../src/graphql/schema.ts";
import { type CamCallLimit, camCallsRefusal, selectFields } from "../../src/graphql/selected-fields.ts";
import { ALICE } from "../support/seed-users.ts";
import { startGateway } from "../support/start-gateway.ts";

const schema = gatewaySchema();
const FIELD = `setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId }`;
const fields = (count: number, prefix = "f") =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}: ${FIELD}`).join("\n");

describe("an operation may make as many calls of an action as CAM takes within the deadline", () => {
  test.each([
    ["changes at the limit", `mutation { ${fields(4)} }`, true],
    ["changes over the limit", `mutation { ${fields(5)} }`, false],
    [
      "changes over the limit, one of them by trySetSubUserMfa",
      `mutation { ${fields(4)} trySetSubUserMfa(opUin: 1) { __typename } }`,
      false,
    ],
    [
      "approvals, which make changes too",
      `mutation { ${fields(3)} approveMfaChange(id: 1) { requestId } tryApproveMfaChange(id: 2) { __typename } }`,
      false,
    ],
    [
      "mutations that make no change",
      `mutation { ${fields(4)} rejectMfaChange(id: 1) { id } resumeCaller(subject: "x") { issuer } }`,
      true,
    ],
    ["changes in inline fragments", `mutation { ${fields(3)} ... { ... { ${fields(2, "g")} } } }`, false],
    ["changes in a fragment", `mutation { ...F } fragment F on Mutation { ${fields(5)} }`, false],
    [
      "changes in nested fragments",
      `mutation { ...F ${fields(2)} } fragment F on Mutation { ...G a: ${FIELD} } fragment G on Mutation { ${fields(2, "g")} }`,
      false,
    ],
    [
      "a skipped field, which costs nothing",
      `mutation { ${fields(4)} z: ${FIELD.replace(") {", ") @skip(if: true) {")} }`,
      true,
    ],
    [
      "an operation over the limit that does not run",
      `mutation A { ${fields(1)} } mutation B { ${fields(5)} }`,
      true,
      "A",
    ],
    [
      "an operation over the limit that runs",
      `mutation A { ${fields(1)} } mutation B { ${fields(5)} }`,
      false,
      "B",
    ],
    ["fields that do not call CAM", `{ ${"camErrors { code } ".repeat(9)} }`, true],
    ["profiles, 50 in a call", `{ subUsers(opUins: [${uins(200)}]) { name } }`, true],
    ["profiles over the limit", `{ subUsers(opUins: [${uins(201)}]) { name } }`, false],
    ["protections, one call each", `{ subUsers(opUins: [${uins(4)}]) { mfa { login { phone } } } }`, true],
    ["protections over the limit", `{ subUsers(opUins: [${uins(5)}]) { mfa { login { phone } } } }`, false],
    [
      "protections of one user, named five times",
      `{ subUsers(opUins: [1, 1, 1, 1, 1]) { mfa { login { phone } } } }`,
      true,
    ],
    [
      "reads of two actions, each within its limit",
      `{ ${[1, 2, 3, 4].map((uin) => `u${uin}: subUser(opUin: ${uin}) { mfa { login { phone } } }`).join(" ")} }`,
      true,
    ],
  ])("%s", (_case, document, accepted, operationName = undefined as string | undefined) => {
    expect(check(document, { operationName }) === undefined).toBe(accepted);
  });

  test("and its variables count", () => {
    const document =
      "query ($of: [_Any!]!) { _entities(representations: $of) { ... on SubUser { mfa { login { phone } } } } }";
    const of = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ __typename: "SubUser", opUin: String(at + 1) }));
    expect(check(document, { variables: { of: of(4) } })).toBeUndefined();
    expect(check(document, { variables: { of: of(5) } })?.message).toContain(
      "5 calls of DescribeSafeAuthFlagColl",
    );
  });

  test("and at least one call, however slow CAM is", () => {
    expect(
      check(`mutation { ${fields(1)} }`, {
        limit: { rates: new Map([["default", 1]]), slowest: 1, timeLimitMs: 100 },
      }),
    ).toBeUndefined();
  });

  test("the refusal has the permitted number of calls and the time that the calls would take", () => {
    expect(check(`mutation { ${fields(7)} }`)?.message).toBe(
      "The operation needs 7 calls of SetMfaFlag. CAM accepts 2 a second, so they would take 4 s, and an operation " +
        "has 2 s. Ask for at most 4 at a time and send the rest in further requests.",
    );
  });
});

describe("each account has its own limit", () => {
  const limit = {
    timeLimitMs: 2_000,
    slowest: 1,
    rates: new Map([
      ["default", 2],
      ["slow", 1],
    ]),
  };
  const changes = (count: number, account: string) =>
    Array.from(
      { length: count },
      (_, at) => `${account}${at}: setSubUserMfa(opUin: 1, account: "${account}", login: {}) { requestId }`,
    ).join(" ");

  test.each([
    ["both accounts at their limits", `mutation { ${changes(2, "slow")} ${changes(4, "default")} }`, true],
    ["one account over its limit", `mutation { ${changes(3, "slow")} ${changes(1, "default")} }`, false],
    [
      "the other account over its limit",
      `mutation { ${changes(1, "slow")} ${changes(4, "default")} ${FIELD} }`,
      false,
    ],
    ["an account that is unknown or forbidden to the caller", `mutation { ${changes(9, "nowhere")} }`, true],
    [
      "null, which is the default account",
      `mutation { ${changes(4, "default")} a: ${FIELD.replace(")", ", account: null)")} }`,
      false,
    ],
    ["profiles over the limit", `{ subUsers(opUins: [${uins(101)}], account: "slow") { name } }`, false],
    [
      "protections over the limit",
      `{ subUsers(opUins: [1, 2, 3], account: "slow") { mfa { login { phone } } } }`,
      false,
    ],
    [
      "protections in the default account",
      `{ subUsers(opUins: [1, 2, 3], account: "default") { mfa { login { phone } } } }`,
      true,
    ],
    ["one user", `{ a: subUser(opUin: 1, account: "slow") { mfa { login { phone } } } }`, true],
  ])("%s", (_case, document, accepted) => {
    expect(check(document, { limit }) === undefined).toBe(accepted);
  });

  test("a router's references count for the account in their id", () => {
    const document =
      "query ($of: [_Any!]!) { _entities(representations: $of) { ... on SubUser { mfa { login { phone } } } } }";
    const of = (ids: readonly unknown[]) => ids.map((id) => ({ __typename: "SubUser", id }));
    const inSlow = ["slow/1", "slow/2"];
    const inDefault = ["1", "2", "3", "4"];
    expect(check(document, { limit, variables: { of: of([...inSlow, ...inDefault]) } })).toBeUndefined();
    expect(check(document, { limit, variables: { of: of([...inSlow, "slow/3"]) } })?.message).toContain(
      "3 calls of DescribeSafeAuthFlagColl in the account slow",
    );
    expect(
      check(document, { limit, variables: { of: of([...inDefault, 5, null, "x/y"]) } })?.message,
    ).toContain("calls of DescribeSafeAuthFlagColl.");
  });
});

test("the schema gives routers the same costs", () => {
  const told = Object.fromEntries(
    Object.keys(CALLS_OF_FIELDS).map((name) => [name, costInSchema(schema, name)]),
  );
  const counted = Object.entries(CALLS_OF_FIELDS).map(([name, calls]) => [
    name,
    Object.values(calls).reduce((sum, count) => sum + count, 0),
  ]);
  expect(told).toEqual(Object.fromEntries(counted));
});

test("10,000 changes in one document are refused before the gateway calls CAM", async () => {
  const { send, cam } = await startGateway();
  const { errors } = await send(`mutation { ${fields(10_000)} }`);
  expect(errors).toMatchObject([{ extensions: { code: "GRAPHQL_PARSE_FAILED" } }]);
  expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  expect(cam.counters()["DescribeSafeAuthFlagColl"]).toBeUndefined();
});

test("301 changes in one document are refused with the limit of 300", async () => {
  const { send, cam } = await startGateway();
  const { errors } = await send(`mutation { ${fields(301)} }`);
  expect(errors).toMatchObject([
    { message: expect.stringContaining("at most 300"), extensions: { code: "GRAPHQL_VALIDATION_FAILED" } },
  ]);
  expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
});

interface CheckOptions {
  readonly limit?: CamCallLimit;
  readonly operationName?: string | undefined;
  readonly variables?: Readonly<Record<string, unknown>>;
}

function check(source: string, options: CheckOptions = {}) {
  const {
    limit = { rates: new Map([["default", 2]]), slowest: 2, timeLimitMs: 2_000 },
    operationName,
    variables = {},
  } = options;
  const document = parse(source);
  const operation = document.definitions.find(
    (definition) =>
      definition.kind === "OperationDefinition" &&
      (operationName === undefined || definition.name?.value === operationName),
  );
  if (operation?.kind !== "OperationDefinition") throw new Error("The document has no such operation.");
  const selected = selectFields(schema, { document, operation, variables });
  return selected && camCallsRefusal(selected, limit);
}

function uins(count: number): string {
  return Array.from({ length: count }, (_, at) => `"${at + 1}"`).join(", ");
}

function costInSchema(of: GraphQLSchema, name: string): number {
  const [typeName = "", fieldName = ""] = name.split(".");
  const type = of.getType(typeName);
  const field = type && "getFields" in type ? type.getFields()[fieldName] : undefined;
  const cost = field?.astNode?.directives?.find((directive) => directive.name.value === "cost");
  const weight = cost?.arguments?.[0]?.value;
  return weight?.kind === "IntValue" ? Number(weight.value) : Number.NaN;
}
