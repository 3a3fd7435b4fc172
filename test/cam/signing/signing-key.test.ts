import { expect, test } from "vitest";
import { deriveSigningKey, SigningKeyCache } from "../../../src/cam/signing/signing-key.ts";
import { createCredentialScope, formatCredentialScope } from "../../../src/cam/signing/string-to-sign.ts";
import { Secret } from "../../../src/secret.ts";

const scope = { date: "2026-11-24", service: "cam" };

test.each([
  { timestamp: 0, date: "1970-01-01" },
  { timestamp: 1_551_139_199, date: "2019-02-25" },
  { timestamp: 1_551_139_200, date: "2019-02-26" },
  { timestamp: 1_709_164_800, date: "2024-02-29" },
])("the scope of $timestamp is dated $date, in UTC", ({ timestamp, date }) => {
  expect(formatCredentialScope(createCredentialScope(timestamp, "cam"))).toBe(`${date}/cam/tc3_request`);
});

test("a key is derived once for a secret, a day and a service", () => {
  const cache = new SigningKeyCache();
  const secret = new Secret("key");
  const first = cache.get(secret, scope);
  expect(cache.get(secret, { ...scope })).toBe(first);
  expect(first.export()).toEqual(deriveSigningKey(secret, scope));
});

test.each([
  { what: "day", other: { ...scope, date: "2026-11-25" }, otherKey: "key" },
  { what: "service", other: { ...scope, service: "sts" }, otherKey: "key" },
  { what: "secret", other: scope, otherKey: "another key" },
])("another $what has another key", ({ other, otherKey }) => {
  const cache = new SigningKeyCache();
  const secret = new Secret("key");
  const otherSecret = otherKey === "key" ? secret : new Secret(otherKey);
  const first = cache.get(secret, scope);
  const second = cache.get(otherSecret, other);
  expect(second.equals(first)).toBe(false);
  expect(second.export()).toEqual(deriveSigningKey(otherSecret, other));
});

test("one secret has the right key on each of many days", () => {
  const cache = new SigningKeyCache();
  const secret = new Secret("key");
  for (let day = 0; day < 40; day++) {
    const dayScope = createCredentialScope(day * 86_400, "cam");
    expect(cache.get(secret, dayScope).export()).toEqual(deriveSigningKey(secret, dayScope));
  }
});
