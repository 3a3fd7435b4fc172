import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { decideSwitch, mayUseAccount } from "../../src/auth/policy/decide-access.ts";
import { isInSome } from "../../src/auth/policy/patterns.ts";
import type { Switch } from "../../src/auth/policy/policy.ts";
import { type Asked, policyOf, question, TUESDAY } from "../auth/policy/policy-of.ts";
import { uin } from "../support/start-change-service.ts";

const EXAMPLE = readFileSync("schema/policy.example.yaml", "utf8");
const schema = JSON.parse(readFileSync("schema/policy.schema.json", "utf8"));
const isValid = new Ajv2020({ strict: false }).compile(schema);

describe("schema/policy.schema.json", () => {
  test("takes the example, and what the gateway takes", () => {
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
    ["the portal switches on", "login.phone.on", { ...plain, caller: portal }, "allow", "on"],
    ["the portal does not switch off", "login.phone.off", { ...plain, caller: portal }, "deny", undefined],
    ["by day the help desk does", "action.stoken.off", { ...plain, caller: helpDesk }, "allow", "off-by-day"],
    [
      "by night with approval",
      "action.stoken.off",
      { ...plain, caller: helpDesk, atMs: night },
      "allow",
      "off-at-night",
    ],
    [
      "only of employees",
      "login.phone.off",
      { ...plain, caller: helpDesk, opUin: "100021970000" },
      "deny",
      undefined,
    ],
    [
      "nobody gives up other methods",
      "login.other.off",
      { ...plain, caller: helpDesk },
      "deny",
      "keep-other-methods",
    ],
    [
      "administrators are the security team's",
      "login.phone.off",
      { ...admin, caller: security },
      "allow",
      "administrators",
    ],
    ["and nobody else's", "login.phone.on", { ...admin, caller: portal }, "deny", "administrators-else"],
    [
      "by name too",
      "login.phone.on",
      { ...admin, remark: "", caller: portal },
      "deny",
      "administrators-else",
    ],
    [
      "nor are those whom CAM does not describe",
      "login.phone.on",
      { name: null, remark: null, caller: portal },
      "deny",
      "administrators-else",
    ],
    ["which hangs on the user", "login.phone.on", { caller: portal }, "read-profile", "administrators-else"],
  ])("%s", (_what, wanted, asked, effect, rule) => {
    const verdict = decideSwitch(policy, wanted, question(asked));
    expect([verdict.effect, verdict.rule?.id]).toEqual([effect, rule]);
  });

  test("asks for approval where two people have to agree", () => {
    const asking = policy.rules.filter(({ approval }) => approval !== undefined);
    expect(asking.map(({ id, approval }) => [id, approval?.expiresInMinutes])).toEqual([
      ["administrators", 60],
      ["off-at-night", 15],
    ]);
  });

  test("protects one user and a range of them, and gives an account to an issuer's callers", () => {
    const all = ["100021969097", "100021900000", "100021900099", "100021900100"];
    expect(all.map((opUin) => isInSome(policy.protectedUsers, uin(opUin)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    const callers = [{ subject: "wang", issuer: "https://login.example.com/" }, { subject: "wang" }];
    expect(callers.map((caller) => mayUseAccount(policy, caller, "production-cn"))).toEqual([true, false]);
  });
});
