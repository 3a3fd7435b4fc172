import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../src/secret.ts";

test("a secret prints as [redacted] in every form of output", () => {
  const secret = new Secret("s3cr3t");
  for (const printed of [`${secret}`, String(secret), JSON.stringify({ secret }), inspect({ secret })]) {
    expect(printed).toContain("[redacted]");
    expect(printed).not.toContain("s3cr3t");
  }
  expect(secret.reveal()).toBe("s3cr3t");
});
