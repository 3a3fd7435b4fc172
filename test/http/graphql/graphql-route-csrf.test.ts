import { describe, expect, test } from "vitest";
import { mayBeCsrf } from "../../../src/http/graphql/graphql-route.ts";

const JSON_TYPE = { "content-type": "application/json" };
const HOST = { host: "gateway.example:4000" };

describe("a request that another page may have forged", () => {
  test.each([
    ["a form of another site", "POST", { "sec-fetch-site": "cross-site", "content-type": "text/plain" }],
    [
      "a form of a sibling site",
      "POST",
      { "sec-fetch-site": "same-site", "content-type": "multipart/form-data" },
    ],
    ["a fetch without a content type", "POST", { "sec-fetch-site": "cross-site" }],
    ["an image", "GET", { "sec-fetch-site": "cross-site" }],
    ["a form of another origin in an older browser", "POST", { ...HOST, origin: "https://evil.example" }],
    ["another port of the same host", "POST", { ...HOST, origin: "https://gateway.example:5000" }],
    ["a sandboxed page", "POST", { ...HOST, origin: "null" }],
    ["no origin, and a content type of forms", "POST", { ...HOST, "content-type": "text/plain" }],
    [
      "a content type that only looks like JSON",
      "POST",
      { ...HOST, "content-type": "text/plain; application/json" },
    ],
    [
      "an empty preflight header",
      "POST",
      { "sec-fetch-site": "cross-site", "graphql-require-preflight": "" },
    ],
    ["a site value that no browser sends", "GET", { "sec-fetch-site": "Same-Origin" }],
  ])("%s", (_case, method, headers) => {
    expect(mayBeCsrf(method, headers)).toBe(true);
  });
});

describe("a request that no other page can forge", () => {
  test.each([
    ["a page of the gateway", "POST", { "sec-fetch-site": "same-origin", ...JSON_TYPE }],
    ["a person who typed the address", "GET", { "sec-fetch-site": "none" }],
    ["JSON, which needs a preflight", "POST", { "sec-fetch-site": "cross-site", ...JSON_TYPE }],
    ["JSON with a charset", "POST", { ...HOST, "content-type": "Application/JSON; charset=utf-8" }],
    [
      "a header that needs a preflight",
      "GET",
      { "sec-fetch-site": "cross-site", "apollo-require-preflight": "1" },
    ],
    [
      "the gateway's own origin in an older browser",
      "POST",
      { ...HOST, origin: "https://gateway.example:4000" },
    ],
    ["a program's query", "GET", { ...HOST }],
    ["a program's operation", "POST", { ...HOST, ...JSON_TYPE }],
  ])("%s", (_case, method, headers) => {
    expect(mayBeCsrf(method, headers)).toBe(false);
  });
});
