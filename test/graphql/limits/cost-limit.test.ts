import { parse } from "graphql";
import { expect, test } from "vitest";
import { CostLimit } from "../../../src/graphql/limits/cost-limit.ts";
import { schemaOfNothing } from "../../support/schema-of-nothing.ts";

const schema = schemaOfNothing();
const PROTECTIONS = "mfa { login { phone } }";

/** An operation that is asked for again and again, before a CAM that takes two calls. */
function operationOf(source: string) {
  const document = parse(source);
  const [operation] = document.definitions;
  if (operation?.kind !== "OperationDefinition") throw new Error("The document begins with no operation.");
  const costLimit = new CostLimit();
  return (variables: Record<string, unknown>, ratePerSecond = 2) => {
    const limit = { rates: new Map([["default", ratePerSecond]]), deadlineMs: 1_000 };
    return costLimit.measure(schema, { document, operation, variables }, limit).refusal?.message;
  };
}

test.for([
  [
    "how long a list is",
    `query ($of: [Uin!]!) { subUsers(opUins: $of) { ${PROTECTIONS} } }`,
    { of: [1] },
    { of: [1, 2, 3] },
  ],
  [
    "a user of a list",
    `query ($a: Uin!, $b: Uin!) { subUsers(opUins: [1, 2, $a, $b]) { ${PROTECTIONS} } }`,
    { a: 1, b: 2 },
    { a: 3, b: 4 },
  ],
  [
    "whether a field is there",
    `query ($all: Boolean!) { subUsers(opUins: [1, 2, 3]) { mfa @include(if: $all) { login { phone } } } }`,
    { all: false },
    { all: true },
  ],
  [
    "whether a fragment is there",
    `query ($none: Boolean!) { ...F @skip(if: $none) } fragment F on Query { subUsers(opUins: [1, 2, 3]) { ${PROTECTIONS} } }`,
    { none: true },
    { none: false },
  ],
] as const)("an operation of which a variable says %s is measured each time", ([, source, cheap, costly]) => {
  const refusalOf = operationOf(source);
  expect(refusalOf(cheap)).toBeUndefined();
  expect(refusalOf(costly)).toMatch(/needs [34] calls of DescribeSafeAuthFlagColl/);
  expect(refusalOf(cheap)).toBeUndefined();
});

test("an operation that costs the same whatever its variables say is let through again", () => {
  const refusalOf = operationOf("mutation ($of: Uin!) { setSubUserMfa(opUin: $of) { requestId } }");
  for (const of of [1, 2, "not a Uin"]) expect(refusalOf({ of })).toBeUndefined();
});

test("an operation that was let through for one account is refused for another that takes less", () => {
  const refusalOf = operationOf(
    'mutation { a: setSubUserMfa(opUin: "1") { requestId } b: setSubUserMfa(opUin: "2") { requestId } }',
  );
  for (let times = 0; times < 2; times++) {
    expect(refusalOf({}, 20)).toBeUndefined();
    expect(refusalOf({}, 1)).toMatch("2 calls of SetMfaFlag");
  }
});

test("one that costs too much is refused again", () => {
  const change = 'setSubUserMfa(opUin: "1") { requestId }';
  const refusalOf = operationOf(`mutation { a: ${change} b: ${change} c: ${change} }`);
  for (let times = 0; times < 2; times++) expect(refusalOf({})).toMatch("3 calls of SetMfaFlag");
});
