import { expect, test } from "vitest";
import { readDiscovery } from "../../src/auth/load-jwks.ts";

const HERE = "http://127.0.0.1:4000";
const ELSEWHERE = "https://login.example.com/";

test.each([
  [ELSEWHERE, "https://keys.example.net/jwks"],
  [HERE, "http://127.0.0.1:4000/jwks"],
  [HERE, "https://keys.example.net/jwks"],
])("%s may have its keys at %s", (issuer, place) => {
  expect(readDiscovery(JSON.stringify({ issuer, jwks_uri: place }), issuer)).toBe(place);
});

test.each([
  ["another issuer", { issuer: "https://evil.example", jwks_uri: "https://evil.example" }, "another issuer"],
  [
    "one with a slash less",
    { issuer: ELSEWHERE.slice(0, -1), jwks_uri: "https://a.example" },
    "another issuer",
  ],
  ["nobody", {}, "another issuer"],
  ["its name alone", { issuer: ELSEWHERE }, "no https URL"],
  ["keys that anybody could change", { issuer: ELSEWHERE, jwks_uri: "http://a.example" }, "no https URL"],
  ["keys on this machine", { issuer: ELSEWHERE, jwks_uri: "http://127.0.0.1:9200/" }, "no https URL"],
  ["keys in a file of ours", { issuer: ELSEWHERE, jwks_uri: "file:///etc/passwd" }, "no https URL"],
  ["a list of keys", { issuer: ELSEWHERE, jwks_uri: ["https://a.example"] }, "no https URL"],
  ["null", null, "no JSON object"],
  ["a text", "https://a.example", "no JSON object"],
])("a description of %s is of no use", (_what, described, message) => {
  expect(() => readDiscovery(JSON.stringify(described), ELSEWHERE)).toThrow(message);
});

test("what is no JSON is of no use, and not quoted", () => {
  expect(() => readDiscovery("<html>secret", ELSEWHERE)).toThrow(/^It is no JSON object\.$/);
});
