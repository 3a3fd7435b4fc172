import { expect, test } from "vitest";
import { withoutStaleName } from "../../../../src/http/playground/app/post-to-gateway.ts";

const TWO = "query A { a } mutation B { b }";

test("an operation of the document keeps its name", () => {
  const operation = { query: TWO, operationName: "B", variables: { x: 1 } };
  expect(withoutStaleName(operation)).toEqual(operation);
});

test.for([
  ["the tab before had", "mutation B { b }"],
  ["nobody has, beside operations without a name", "{ a }"],
  ["nobody can say, where the document cannot be read", "mutation {"],
] as const)("the name of an operation that %s is left out", ([, query]) => {
  expect(withoutStaleName({ query, operationName: "A" })).toEqual({ query });
});

test("a missing name stays missing", () => {
  expect(withoutStaleName({ query: TWO, operationName: null })).toEqual({ query: TWO });
});
