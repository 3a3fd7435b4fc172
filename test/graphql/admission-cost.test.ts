import { parse } from "graphql";
import { expect, test } from "vitest";
import { CostLimit } from "../../src/graphql/admission.ts";
import { gatewaySchema } from "../../src/graphql/schema.ts";

const schema = gatewaySchema();
const PROTECTIONS = "mfa { login { phone } }";

/** Returns a function that measures one operation repeatedly, against a CAM that takes two calls in the deadline. */
function operationOf(source: string) {
  const document = parse(source);
  const [operation] = document.definitions;
  if (operation?.kind !== "OperationDefinition")
    throw new Error("The document does not begin with an operation.");
  const costLimit = new CostLimit();
  return (variables: Record<string, unknown>, ratePerSecond = 2) => {
    const rates = new Map([["default", ratePerSecond]]);
    const limit = { rates, slowest: ratePerSecond, timeLimitMs: 1_000 };
    return costLimit.measure(schema, { document, operation, variables }, limit).refusal?.message;
  };
}

test.for([
  [
    "the length of a list",
    `query ($of: [Uin!]!) { subUsers(opUins: $of) { ${PROTECTIONS} } }`,
    { of: [1] },
    { of: [1, 2, 3] },
  ],
  [
    "a user in a list",
    `query ($a: Uin!, $b: Uin!) { subUsers(opUins: [1, 2, $a, $b]) { ${PROTECTIONS} } }`,
    { a: 1, b: 2 },
    { a: 3, b: 4 },
  ],
  [
    "whether a field is included",
    `query ($all: Boolean!) { subUsers(opUins: [1, 2, 3]) { mfa @include(if: $all) { login { phone } } } }`,
    { all: false },
    { all: true },
  ],
  [
    "whether a fragment is included",
    `query ($none: Boolean!) { ...F @skip(if: $none) } fragment F on Query { subUsers(opUins: [1, 2, 3]) { ${PROTECTIONS} } }`,
    { none: true },
    { none: false },
  ],
] as const)("an operation with a variable for %s is measured each time", ([, source, cheap, costly]) => {
  const refusalOf = operationOf(source);
  expect(refusalOf(cheap)).toBeUndefined();
  expect(refusalOf(costly)).toMatch(/needs [34] calls of DescribeSafeAuthFlagColl/);
  expect(refusalOf(cheap)).toBeUndefined();
});

test("an operation whose cost does not depend on its variables is accepted repeatedly", () => {
  const refusalOf = operationOf("mutation ($of: Uin!) { setSubUserMfa(opUin: $of) { requestId } }");
  for (const of of [1, 2, "not a Uin"]) expect(refusalOf({ of })).toBeUndefined();
});

test("an operation accepted at one rate is refused at a lower rate", () => {
  const refusalOf = operationOf(
    'mutation { a: setSubUserMfa(opUin: "1") { requestId } b: setSubUserMfa(opUin: "2") { requestId } }',
  );
  for (let times = 0; times < 2; times++) {
    expect(refusalOf({}, 20)).toBeUndefined();
    expect(refusalOf({}, 1)).toMatch("2 calls of SetMfaFlag");
  }
});

test("an operation over the limit is refused repeatedly", () => {
  const change = 'setSubUserMfa(opUin: "1") { requestId }';
  const refusalOf = operationOf(`mutation { a: ${change} b: ${change} c: ${change} }`);
  for (let times = 0; times < 2; times++) expect(refusalOf({})).toMatch("3 calls of SetMfaFlag");
});
