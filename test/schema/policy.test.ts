import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { decideSwitch, isInAnyRange, mayUseAccount } from "../../src/auth/policy/decide-access.ts";
import type { Switch } from "../../src/auth/policy/policy.ts";
import { type Asked, policyOf, question, TUESDAY } from "../auth/policy/policy-of.ts";
import { uin } from "../support/start-change-service.ts";

const EXAMPLE = readFileSync("schema/policy.example.yaml", "utf8");
const schema = JSON.parse(readFileSync("schema/policy.schema.json", "utf8"));
const isValid = new Ajv2020({ strict: false }).compile(schema);

describe("schema/policy.schema.json", () => {
  test("accepts the example, and other policies that the gateway accepts", () => {
    expect(isValid(parse(EXAMPLE)), JSON.stringify(isValid.errors)).toBe(true);
    expect(isValid({ rules: [] })).toBe(true);
    expect(isValid({ $schema: "policy.schema.json", protectedUsers: [1, "1-2"], rules: [] })).toBe(true);
  });

  test.each([
    {},
    { rules: {} },
    { rules: [], rule: [] },
    { rules: [{ id: "a" }] },
    { rules: [{ id: "a", effect: "permit" }] },
    { rules: [{ id: "a", effect: "allow", users: { uins: [] } }] },
    { rules: [{ id: "a", effect: "allow", users: { uins: ["0"] } }] },
    { rules: [{ id: "a", effect: "allow", users: { uins: [1.5] } }] },
    { rules: [{ id: "a", effect: "allow", approval: { expiresInMinutes: 0 } }] },
    { rules: [{ id: "a", effect: "allow", hours: { timeZone: "UTC", from: "9:00", to: "10:00" } }] },
    { rules: [], accounts: { prod: {} } },
  ])("refuses %j", (content) => {
    expect(isValid(content)).toBe(false);
  });
});

describe("schema/policy.example.yaml", () => {
  const policy = policyOf(EXAMPLE);
  const night = TUESDAY + 12 * 3_600_000;
  const portal = { client: "portal" };
  const helpDesk = { client: "help-desk" };
  const security = { subject: "chen@security.example.com", client: "console" };
  const plain = { name: "alice", remark: "" };
  const admin = { name: "admin-zhang", remark: "#admin" };

  test.each<[what: string, wanted: Switch, asked: Asked, effect: string, rule: string | undefined]>([
    ["the portal may switch a method on", "login.phone.on", { ...plain, caller: portal }, "allow", "on"],
    [
      "the portal may not switch a method off",
      "login.phone.off",
      { ...plain, caller: portal },
      "deny",
      undefined,
    ],
    [
      "the help desk may switch a method off by day",
      "action.stoken.off",
      { ...plain, caller: helpDesk },
      "allow",
      "off-by-day",
    ],
    [
      "the help desk needs approval at night",
      "action.stoken.off",
      { ...plain, caller: helpDesk, atMs: night },
      "allow",
      "off-at-night",
    ],
    [
      "the help desk may change only employees",
      "login.phone.off",
      { ...plain, caller: helpDesk, opUin: "100021970000" },
      "deny",
      undefined,
    ],
    [
      "no caller may drop other methods",
      "login.other.off",
      { ...plain, caller: helpDesk },
      "deny",
      "keep-other-methods",
    ],
    [
      "the security team may change administrators",
      "login.phone.off",
      { ...admin, caller: security },
      "allow",
      "administrators",
    ],
    [
      "no other caller may change an administrator by remark",
      "login.phone.on",
      { ...admin, caller: portal },
      "deny",
      "administrators-else",
    ],
    [
      "no other caller may change an administrator by name",
      "login.phone.on",
      { ...admin, remark: "", caller: portal },
      "deny",
      "administrators-else",
    ],
    [
      "no other caller may change a user without a name and a remark in CAM",
      "login.phone.on",
      { name: null, remark: null, caller: portal },
      "deny",
      "administrators-else",
    ],
    [
      "a decision about an unread user needs the profile",
      "login.phone.on",
      { caller: portal },
      "read-profile",
      "administrators-else",
    ],
  ])("%s", (_what, wanted, asked, effect, rule) => {
    const verdict = decideSwitch(policy, wanted, question(asked));
    expect([verdict.effect, verdict.rule?.id]).toEqual([effect, rule]);
  });

  test("requires approval for administrators and at night, with different times", () => {
    const asking = policy.rules.filter(({ approval }) => approval !== undefined);
    expect(asking.map(({ id, approval }) => [id, approval?.expiresInMinutes])).toEqual([
      ["administrators", 60],
      ["off-at-night", 15],
    ]);
  });

  test("protects one user and a range of users, and grants an account to the callers of one issuer", () => {
    const all = ["100021969097", "100021900000", "100021900099", "100021900100"];
    expect(all.map((opUin) => isInAnyRange(policy.protectedUsers, uin(opUin)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    const callers = [{ subject: "wang", issuer: "https://login.example.com/" }, { subject: "wang" }];
    expect(callers.map((caller) => mayUseAccount(policy, caller, "production-cn"))).toEqual([true, false]);
  });
});
