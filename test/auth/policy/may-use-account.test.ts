import { expect, test } from "vitest";
import { mayUseAccount } from "../../../src/auth/policy/decide-access.ts";
import { policyOf } from "./policy-of.ts";

const policy = policyOf({
  accounts: {
    prod: { callers: { subjects: ["wang", "*@ops"], issuers: ["https://login.example.com/"] } },
  },
  rules: [],
});
const WANG = { subject: "wang", issuer: "https://login.example.com/" };

test.each([
  ["the default account is everybody's", WANG, "default", true],
  ["a listed one is theirs whom it lists", WANG, "prod", true],
  ["by a pattern", { ...WANG, subject: "li@ops" }, "prod", true],
  ["and nobody else's", { ...WANG, subject: "li" }, "prod", false],
  ["nor theirs who have another issuer", { ...WANG, issuer: "https://ci.example.com" }, "prod", false],
  ["one that is not listed is nobody's", WANG, "test", false],
  ["whatever objects have by themselves", WANG, "constructor", false],
  ["nor its prototype", WANG, "__proto__", false],
])("%s", (_what, caller, account, may) => {
  expect(mayUseAccount(policy, caller, account)).toBe(may);
});

test("without a policy, which is local mode's alone, every account is everybody's", () => {
  expect(mayUseAccount(undefined, { subject: "local" }, "prod")).toBe(true);
});
