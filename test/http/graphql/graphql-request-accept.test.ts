import { expect, test } from "vitest";
import { negotiateMediaType, prefersHtml } from "../../../src/http/graphql/graphql-request.ts";

const JSON_TYPE = "application/json";
const GRAPHQL = "application/graphql-response+json";

test.each([
  undefined,
  "",
  " , ",
  "*/*",
  "*/*;q=0.1",
  "application/*",
  "APPLICATION/JSON",
  "application/json; charset=utf-8",
  "application/json;charset=UTF-8",
  'application/json ; charset="utf-8"',
  "application/json; charset=gbk",
  "application/json; version=2; q=0.3",
  "application/json;q=0.9;level=1",
  "application/json;",
  "application/json;;charset=utf-8",
  "application/json; charset",
  'application/json; title="a, b;q=0"',
  'application/json; title="never closed',
  "application/json; q=abc",
  "application/json; q=",
  "application/json; q=7",
  "text/html, application/json;charset=utf-8;q=0.5",
  "text/html, */*; charset=utf-8; q=0.1",
  "application/graphql-response+json;q=0, */*",
  "application/graphql-response+json;q=0.5, application/json;charset=utf-8",
  "application/json;version=2;q=0, application/json",
  "garbage",
  "application",
  ";;;",
  "*/json",
])("a client that accepts %j gets application/json", (accept) => {
  expect(negotiateMediaType(accept)).toBe(JSON_TYPE);
});

test.each([
  GRAPHQL,
  `${GRAPHQL}; charset=utf-8`,
  `${GRAPHQL.toUpperCase()};CHARSET=UTF-8`,
  `${GRAPHQL}; charset=utf-8, application/json; charset=utf-8`,
  `application/json;charset=utf-8;q=0.8, ${GRAPHQL};charset=utf-8`,
  `application/json;q=0, ${GRAPHQL};q=0.1`,
  "application/json;charset=utf-8;q=0, */*",
  `garbage, ${GRAPHQL}`,
])("a client that accepts %j gets application/graphql-response+json", (accept) => {
  expect(negotiateMediaType(accept)).toBe(GRAPHQL);
});

test.each([
  "text/html",
  "text/*",
  "application/xml;charset=utf-8",
  "application/jsonp",
  "application/json;q=0",
  "application/json; Q=0.000",
  "application/json; charset=utf-8; q=0",
  "application/json;q=-1",
  "application/*;q=0",
  "*/*;q=0",
])("a client that accepts %j gets no media type", (accept) => {
  expect(negotiateMediaType(accept)).toBeUndefined();
});

test.each([
  ["Chrome", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true],
  ["Firefox", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
  ["HTML before JSON", "application/json;q=0.5, text/html", true],
  ["upper case and spaces", " Text/HTML ; Q=0.9 , */* ; q=0.1", true],
  ["curl", "*/*", false],
  ["a client without the header", undefined, false],
  ["an empty header", "", false],
  ["a GraphQL client", "application/graphql-response+json, application/json;q=0.9", false],
  ["a client with equal preference", "text/html, application/json", false],
  ["JSON before HTML", "application/json, text/html;q=0.9", false],
  ["a client that refuses HTML", "text/html;q=0, */*", false],
  ["an event stream", "text/event-stream", false],
  ["a malformed quality", "text/html;q=high", false],
])("prefersHtml is right for %s", (_client, accept, expected) => {
  expect(prefersHtml(accept)).toBe(expected);
});
