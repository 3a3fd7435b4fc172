import { expect, test } from "vitest";
import { negotiateMediaType } from "../../../src/http/graphql/media-type.ts";

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
])("JSON is sent to a client that accepts %j", (accept) => {
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
])("the form of its own is sent to a client that accepts %j", (accept) => {
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
])("nothing can be sent to a client that accepts %j", (accept) => {
  expect(negotiateMediaType(accept)).toBeUndefined();
});
