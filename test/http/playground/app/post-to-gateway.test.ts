import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, validateSchema } from "graphql";
import { expect, test } from "vitest";
import { withoutFederation, withoutStaleName } from "../../../../src/http/playground/app/post-to-gateway.ts";
import { startGateway } from "../../../support/start-gateway.ts";

const TWO = "query A { a } mutation B { b }";

test("an operation name that the document has is kept", () => {
  const operation = { query: TWO, operationName: "B", variables: { x: 1 } };
  expect(withoutStaleName(operation)).toEqual(operation);
});

test.for([
  ["belongs to the previous tab", "mutation B { b }"],
  ["the document lacks because its operation has no name", "{ a }"],
  ["cannot be checked because the document has a syntax error", "mutation {"],
] as const)("removes an operation name that %s", ([, query]) => {
  expect(withoutStaleName({ query, operationName: "A" })).toEqual({ query });
});

test("a missing name stays missing", () => {
  expect(withoutStaleName({ query: TWO, operationName: null })).toEqual({ query: TWO });
});

test("without federation, the schema is valid and has the gateway's API only", async () => {
  const { send } = await startGateway({ env: { INTROSPECTION: "on" } });
  const { data } = await send(getIntrospectionQuery());
  const schema = buildClientSchema(withoutFederation(data as unknown as IntrospectionQuery));
  expect(validateSchema(schema)).toEqual([]);
  const names = Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith("__"));
  expect(names).toContain("SubUserMfa");
  expect(names.filter((name) => name.includes("_"))).toEqual([]);
  const fields = Object.keys(schema.getQueryType()?.getFields() ?? {});
  expect(fields).toContain("subUser");
  expect(fields.filter((name) => name.startsWith("_"))).toEqual([]);
  expect(schema.getDirective("key")).toBeUndefined();
  expect(schema.getDirective("include")).toBeDefined();
});
