import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parsePolicy } from "../../../src/auth/policy/policy-file.ts";
import { policyOf } from "./policy-of.ts";

function problemsOf(text: string): readonly string[] {
  const parsed = parsePolicy(text);
  return "problems" in parsed ? parsed.problems : [];
}

const rule = (more: object) => JSON.stringify({ rules: [{ id: "it", effect: "allow", ...more }] });
const EXAMPLE = readFileSync("schema/policy.example.yaml", "utf8");

describe("a policy", () => {
  test("has the same meaning in YAML and in JSON, also with tabs as indentation", () => {
    const json = parse(EXAMPLE);
    expect(policyOf(JSON.stringify(json))).toEqual(policyOf(EXAMPLE));
    expect(policyOf(JSON.stringify(json, undefined, "\t"))).toEqual(policyOf(EXAMPLE));
  });

  test("needs no quotes around a Uin, not even the largest", () => {
    const max = 18446744073709551615n;
    const uins = [{ from: max, to: max }];
    expect(policyOf(`{"rules":[],"protectedUsers":[${max}]}`).protectedUsers).toEqual(uins);
    expect(policyOf(`rules: []\nprotectedUsers:\n  - ${max}\n`).protectedUsers).toEqual(uins);
    expect(policyOf(`rules: []\nprotectedUsers: ["${max}"]`).protectedUsers).toEqual(uins);
  });

  test("protects no user and lists no account by default, and may name its schema", () => {
    expect(policyOf('{"$schema":"policy.schema.json","rules":[]}')).toMatchObject({
      protectedUsers: [],
      accounts: {},
      rules: [],
    });
  });
});

test.each<[what: string, text: string, problems: readonly string[]]>([
  ["no content", "", ["must be an object with rules"]],
  ["plain text", "allow everything", ["must be an object with rules"]],
  ["no rules", "{}", ["rules must be a list of rules"]],
  ["rules as an object", "rules: { a: {} }", ["rules must be a list of rules"]],
  ["invalid YAML", "rules: [", [expect.stringMatching(/must .* end with a \] at line 1, column 9$/)]],
  ["a repeated key", '{"rules":[],"rules":[]}', ["Map keys must be unique at line 1, column 13"]],
  ["two documents", "rules: []\n---\nrules: []", [expect.stringContaining("multiple documents")]],
  ["a custom YAML tag", "rules: !!js/function x", [expect.stringContaining("Unresolved tag")]],
  [
    "aliases of aliases",
    `a: &a [${"x,".repeat(9)}]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nrules: [*c]\n`,
    ["Excessive alias count indicates a resource exhaustion attack"],
  ],
  ["a misspelt key", '{"rules":[],"protected":[]}', ["must not have protected, which means nothing here"]],
  ["a number as a rule", '{"rules":[1]}', ["rules.0 must be an object"]],
  ["a rule without an id", '{"rules":[{"effect":"deny"}]}', ["rules.0.id must be a text"]],
  [
    "an id with a space",
    '{"rules":[{"id":"a b","effect":"deny"}]}',
    ["rule a b: id must be 1 to 64 letters, digits, dots, dashes or underscores"],
  ],
  [
    "two rules with one id",
    '{"rules":[{"id":"a","effect":"deny"},{"id":"a","effect":"allow"}]}',
    ["has more than one rule a"],
  ],
  ["an unknown effect", rule({ effect: "permit" }), ["rule it: effect must be allow or deny"]],
  ["a misspelt key in a rule", rule({ user: {} }), ["rule it: must not have user, which means nothing here"]],
  ["empty callers", rule({ callers: {} }), ["rule it: callers must have subjects, clients or issuers"]],
  ["callers as a list", rule({ callers: ["wang"] }), ["rule it: callers must be an object"]],
  ["an empty list", rule({ callers: { subjects: [] } }), ["rule it: callers.subjects is an empty list"]],
  ["text instead of a list", rule({ users: { names: "a*" } }), ["rule it: users.names must be a list"]],
  ["an empty pattern", rule({ users: { names: [""] } }), ["rule it: users.names.0 has an empty pattern"]],
  ["empty users", rule({ users: {} }), ["rule it: users must have uins, names or tags"]],
  [
    "a reversed range",
    rule({ users: { uins: ["2-1"] } }),
    ['rule it: users.uins.0 has "2-1", which is neither a Uin nor two with a dash between them'],
  ],
  [
    "a Uin beyond 2^64-1",
    rule({ users: { uins: ["18446744073709551616"] } }),
    [expect.stringContaining('"18446744073709551616", which is neither')],
  ],
  [
    "a Uin with a fraction",
    rule({ users: { uins: [1.5] } }),
    ["rule it: users.uins.0 must be Uins, or two with a dash between them"],
  ],
  [
    "a tag with its #",
    rule({ users: { tags: ["#hr"] } }),
    ["rule it: users.tags.0 must be tags without the #: letters, digits, - or _"],
  ],
  [
    "an unknown switch",
    rule({ switches: ["login.sms.on"] }),
    ['rule it: switches.0 has "login.sms.on", which is not a switch: for example login.phone.on, or *.off'],
  ],
  [
    "other methods switched on, which CAM does not permit",
    rule({ switches: ["login.other.on"] }),
    [expect.stringContaining("which is not a switch")],
  ],
  [
    "approval in a deny rule",
    rule({ effect: "deny", approval: { expiresInMinutes: 5 } }),
    ["rule it: approval has no meaning unless the effect is allow"],
  ],
  [
    "an approval time of zero",
    rule({ approval: { expiresInMinutes: 0 } }),
    ["rule it: approval.expiresInMinutes must be from 1 to 10080 (a week)"],
  ],
  [
    "an approval time of more than a week",
    rule({ approval: { expiresInMinutes: 10_081 } }),
    ["rule it: approval.expiresInMinutes must be from 1 to 10080 (a week)"],
  ],
  [
    "an approval time of half a minute",
    rule({ approval: { expiresInMinutes: 0.5 } }),
    ["rule it: approval.expiresInMinutes must be a whole number"],
  ],
  [
    "hours with an unknown time zone that end before they begin",
    rule({ hours: { timeZone: "Mars/Olympus", from: "22:00", to: "06:00" } }),
    [
      "rule it: hours.timeZone must be a time zone as in Asia/Shanghai",
      "rule it: hours must begin before they end; a night is two rules",
    ],
  ],
  [
    "invalid times",
    rule({ hours: { timeZone: "UTC", from: "9:00", to: "24:01", days: ["Monday"] } }),
    [
      "rule it: hours.days.0 must be days: Mon, Tue, Wed, Thu, Fri, Sat, Sun",
      "rule it: hours.from must be a time as in 09:30",
      "rule it: hours.to must be a time as in 09:30",
    ],
  ],
  ["an account without callers", '{"rules":[],"accounts":{"prod":{}}}', ["accounts.prod.callers is missing"]],
  [
    "an account with empty callers",
    '{"rules":[],"accounts":{"prod":{"callers":{}}}}',
    ["accounts.prod.callers must have subjects, clients or issuers"],
  ],
])("a file with %s is rejected with the reason", (_what, text, problems) => {
  expect(problemsOf(text)).toEqual(problems);
});

test("parsePolicy reports all problems of a file together", () => {
  const text =
    "protectedUsers: [x]\nrules:\n  - { id: a, effect: no }\n  - { id: b, effect: allow, switches: [] }\n";
  expect(problemsOf(text)).toEqual([
    expect.stringMatching(/^protectedUsers\.0 /),
    expect.stringMatching(/^rule a: effect /),
    expect.stringMatching(/^rule b: switches /),
  ]);
});
