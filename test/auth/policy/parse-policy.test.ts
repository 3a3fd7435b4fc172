import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parsePolicy } from "../../../src/auth/policy/parse-policy.ts";
import { policyOf } from "./policy-of.ts";

function problemsOf(text: string): readonly string[] {
  const parsed = parsePolicy(text);
  return "problems" in parsed ? parsed.problems : [];
}

const rule = (more: object) => JSON.stringify({ rules: [{ id: "it", effect: "allow", ...more }] });
const EXAMPLE = readFileSync("schema/policy.example.yaml", "utf8");

describe("a policy", () => {
  test("says the same in YAML and in JSON, indented by tabs too", () => {
    const json = parse(EXAMPLE);
    expect(policyOf(JSON.stringify(json))).toEqual(policyOf(EXAMPLE));
    expect(policyOf(JSON.stringify(json, undefined, "\t"))).toEqual(policyOf(EXAMPLE));
  });

  test("need not quote a Uin, however large", () => {
    const max = 18446744073709551615n;
    const uins = [{ from: max, to: max }];
    expect(policyOf(`{"rules":[],"protectedUsers":[${max}]}`).protectedUsers).toEqual(uins);
    expect(policyOf(`rules: []\nprotectedUsers:\n  - ${max}\n`).protectedUsers).toEqual(uins);
    expect(policyOf(`rules: []\nprotectedUsers: ["${max}"]`).protectedUsers).toEqual(uins);
  });

  test("protects nobody and lists no account unless it says so, and may name its schema", () => {
    expect(policyOf('{"$schema":"policy.schema.json","rules":[]}')).toMatchObject({
      protectedUsers: [],
      accounts: {},
      rules: [],
    });
  });
});

test.each<[what: string, text: string, problems: readonly string[]]>([
  ["nothing", "", ["must be an object with rules"]],
  ["a text", "allow everything", ["must be an object with rules"]],
  ["no rules", "{}", ["rules must be a list of rules"]],
  ["rules by name", "rules: { a: {} }", ["rules must be a list of rules"]],
  ["no YAML", "rules: [", [expect.stringMatching(/must .* end with a \] at line 1, column 9$/)]],
  ["a key that comes twice", '{"rules":[],"rules":[]}', ["Map keys must be unique at line 1, column 13"]],
  ["two documents", "rules: []\n---\nrules: []", [expect.stringContaining("multiple documents")]],
  ["a type of YAML's own", "rules: !!js/function x", [expect.stringContaining("Unresolved tag")]],
  [
    "aliases of aliases",
    `a: &a [${"x,".repeat(9)}]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nrules: [*c]\n`,
    ["Excessive alias count indicates a resource exhaustion attack"],
  ],
  ["a misspelt part", '{"rules":[],"protected":[]}', ["must not have protected, which means nothing here"]],
  ["a rule that is none", '{"rules":[1]}', ["rules.0 must be an object"]],
  ["a rule without a name", '{"rules":[{"effect":"deny"}]}', ["rules.0.id must be a text"]],
  [
    "a name that cannot stand in an error",
    '{"rules":[{"id":"a b","effect":"deny"}]}',
    ["rule a b: id must be 1 to 64 letters, digits, dots, dashes or underscores"],
  ],
  [
    "two of a name",
    '{"rules":[{"id":"a","effect":"deny"},{"id":"a","effect":"allow"}]}',
    ["has more than one rule a"],
  ],
  ["an effect that is none", rule({ effect: "permit" }), ["rule it: effect must be allow or deny"]],
  [
    "a misspelt part of a rule",
    rule({ user: {} }),
    ["rule it: must not have user, which means nothing here"],
  ],
  ["callers of no kind", rule({ callers: {} }), ["rule it: callers must have subjects, clients or issuers"]],
  ["callers as a list", rule({ callers: ["wang"] }), ["rule it: callers must be an object"]],
  ["an empty list", rule({ callers: { subjects: [] } }), ["rule it: callers.subjects is an empty list"]],
  ["a text for a list", rule({ users: { names: "a*" } }), ["rule it: users.names must be a list"]],
  ["an empty pattern", rule({ users: { names: [""] } }), ["rule it: users.names.0 has an empty pattern"]],
  ["users of no kind", rule({ users: {} }), ["rule it: users must have uins, names or tags"]],
  [
    "a range upside down",
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
    "a switch that there is not",
    rule({ switches: ["login.sms.on"] }),
    ['rule it: switches.0 has "login.sms.on", which is no switch: for example login.phone.on, or *.off'],
  ],
  [
    "other methods on, which cannot be",
    rule({ switches: ["login.other.on"] }),
    [expect.stringContaining("which is no switch")],
  ],
  [
    "approval of a refusal",
    rule({ effect: "deny", approval: { expiresInMinutes: 5 } }),
    ["rule it: approval has no meaning unless the effect is allow"],
  ],
  [
    "approval at once",
    rule({ approval: { expiresInMinutes: 0 } }),
    ["rule it: approval.expiresInMinutes must be from 1 to 10080 (a week)"],
  ],
  [
    "approval at any time",
    rule({ approval: { expiresInMinutes: 10_081 } }),
    ["rule it: approval.expiresInMinutes must be from 1 to 10080 (a week)"],
  ],
  [
    "half a minute",
    rule({ approval: { expiresInMinutes: 0.5 } }),
    ["rule it: approval.expiresInMinutes must be a whole number"],
  ],
  [
    "hours of no place, that end before they begin",
    rule({ hours: { timeZone: "Mars/Olympus", from: "22:00", to: "06:00" } }),
    [
      "rule it: hours.timeZone must be a time zone as in Asia/Shanghai",
      "rule it: hours must begin before they end; a night is two rules",
    ],
  ],
  [
    "times that are none",
    rule({ hours: { timeZone: "UTC", from: "9:00", to: "24:01", days: ["Monday"] } }),
    [
      "rule it: hours.days.0 must be days: Mon, Tue, Wed, Thu, Fri, Sat, Sun",
      "rule it: hours.from must be a time as in 09:30",
      "rule it: hours.to must be a time as in 09:30",
    ],
  ],
  ["an account for nobody", '{"rules":[],"accounts":{"prod":{}}}', ["accounts.prod.callers is missing"]],
  [
    "an account for everybody",
    '{"rules":[],"accounts":{"prod":{"callers":{}}}}',
    ["accounts.prod.callers must have subjects, clients or issuers"],
  ],
])("a file that has %s is refused, and told why", (_what, text, problems) => {
  expect(problemsOf(text)).toEqual(problems);
});

test("everything that is wrong with a file is said at once", () => {
  const text =
    "protectedUsers: [x]\nrules:\n  - { id: a, effect: no }\n  - { id: b, effect: allow, switches: [] }\n";
  expect(problemsOf(text)).toEqual([
    expect.stringMatching(/^protectedUsers\.0 /),
    expect.stringMatching(/^rule a: effect /),
    expect.stringMatching(/^rule b: switches /),
  ]);
});
