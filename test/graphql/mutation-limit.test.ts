import { type GraphQLError, parse, validate } from "graphql";
import { describe, expect, test } from "vitest";
import { createMutationLimitRule } from "../../src/graphql/mutation-limit.ts";
import { schemaOfNothing } from "../support/schema-of-nothing.ts";
import { ALICE } from "../support/seed-users.ts";
import { startGateway } from "../support/start-gateway.ts";

const schema = schemaOfNothing();
const FIELD = `setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId }`;
const fields = (count: number, prefix = "f") =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}: ${FIELD}`).join("\n");

describe("a document may have as many changes as CAM takes within the deadline", () => {
  test.each([
    ["at the limit", `mutation { ${fields(4)} }`, true],
    ["over the limit", `mutation { ${fields(5)} }`, false],
    [
      "over the limit with inline fragments",
      `mutation { ${fields(3)} ... { ... { ${fields(2, "g")} } } }`,
      false,
    ],
    ["over the limit with a fragment", `mutation { ...F } fragment F on Mutation { ${fields(5)} }`, false],
    [
      "over the limit with nested fragments",
      `mutation { ...F ${fields(2)} } fragment F on Mutation { ...G a: ${FIELD} } fragment G on Mutation { ${fields(2, "g")} }`,
      false,
    ],
    [
      "a fragment spread twice, which asks for nothing more",
      `mutation { ...F ...F } fragment F on Mutation { ${fields(4)} }`,
      true,
    ],
    ["in the second of two operations", `mutation A { ${fields(1)} } mutation B { ${fields(5)} }`, false],
    [
      "a query, which it does not concern",
      `{ ${Array.from({ length: 9 }, (_, at) => `q${at}: camErrors { code }`).join(" ")} }`,
      true,
    ],
  ])("%s", (_case, document, accepted) => {
    expect(check(document).length === 0).toBe(accepted);
  });

  test("at least one, however slow CAM is", () => {
    expect(check(`mutation { ${fields(1)} }`, { callsPerSecond: 1, deadlineMs: 100 })).toEqual([]);
  });

  test("the refusal says how many there may be, and why", () => {
    expect(check(`mutation { ${fields(5)} }`)[0]?.message).toBe(
      "A mutation may have at most 4 fields: CAM takes 2 changes a second, and an operation has 2 s. Send the rest in further requests.",
    );
  });
});

test("counting takes no longer than the document is, however its fragments refer to each other", () => {
  // Followed each time it is spread, the last of these would be visited 2^45 times.
  const chain = Array.from(
    { length: 45 },
    (_, at) => `fragment F${at} on Mutation { ...F${at + 1} ...F${at + 1} }`,
  );
  expect(check(`mutation { ...F0 ${fields(5)} } ${chain.join(" ")}`)).toHaveLength(1);
  expect(
    check(`mutation { ...A } fragment A on Mutation { ...A ...B } fragment B on Mutation { ...A }`),
  ).toEqual([]);
});

test("10,000 changes in one document are refused before CAM hears of any", async () => {
  const { send, cam } = await startGateway();
  const { status, errors } = await send(`mutation { ${fields(10_000)} }`);
  expect(status).toBe(400);
  expect(errors).toMatchObject([{ extensions: { code: "GRAPHQL_PARSE_FAILED" } }]);
  expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
  expect(cam.counters()["DescribeSafeAuthFlagColl"]).toBeUndefined();
});

test("301 changes in one document are refused with the limit of 300", async () => {
  const { send, cam } = await startGateway();
  const { status, errors } = await send(`mutation { ${fields(301)} }`);
  expect(status).toBe(400);
  expect(errors).toMatchObject([{ message: expect.stringContaining("at most 300 fields") }]);
  expect(cam.counters()["SetMfaFlag"]).toBeUndefined();
});

function check(document: string, limit = { callsPerSecond: 2, deadlineMs: 2_000 }): readonly GraphQLError[] {
  return validate(schema, parse(document), [createMutationLimitRule(limit)]);
}
