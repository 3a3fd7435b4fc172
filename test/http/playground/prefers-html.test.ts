import { expect, test } from "vitest";
import { prefersHtml } from "../../../src/http/playground/prefers-html.ts";

test.each([
  ["Chrome", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true],
  ["Firefox", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
  ["HTML first, JSON if need be", "application/json;q=0.5, text/html", true],
  ["upper case and spaces", " Text/HTML ; Q=0.9 , */* ; q=0.1", true],
  ["curl", "*/*", false],
  ["a client without the header", undefined, false],
  ["an empty header", "", false],
  ["a GraphQL client", "application/graphql-response+json, application/json;q=0.9", false],
  ["a client that takes either alike", "text/html, application/json", false],
  ["JSON first, HTML if need be", "application/json, text/html;q=0.9", false],
  ["a client that refuses HTML", "text/html;q=0, */*", false],
  ["an event stream", "text/event-stream", false],
  ["a malformed quality", "text/html;q=high", false],
])("%s", (_client, accept, expected) => {
  expect(prefersHtml(accept)).toBe(expected);
});
