import { array, assert, constantFrom, option, property, record, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import { decideAccess, decideSwitch } from "../../../src/auth/policy/decide-access.ts";
import { SWITCHES } from "../../../src/auth/policy/policy.ts";
import { explainAccess } from "../../../src/cli/policy/explain-access.ts";
import { type Asked, policyOf, question } from "./policy-of.ts";

/** Few names, so that rules meet users often. */
const NAMES = ["alice", "admin", "bob"];
const TAGS = ["hr", "it"];

const some = (words: readonly string[]) =>
  uniqueArray(constantFrom(...words), { minLength: 1, maxLength: 2 });

const users = record(
  {
    names: some([...NAMES, "a*"]),
    tags: some(TAGS),
    uins: some(["100021969091", "100021969092-100021969099"]),
  },
  { requiredKeys: [] },
).filter((given) => Object.keys(given).length > 0);

const rule = record(
  {
    effect: constantFrom("allow", "deny"),
    users,
    callers: record({ subjects: some(["wang", "li"]) }),
    switches: some(["*.on", "*.off", "login.*", "*.other.off"]),
  },
  { requiredKeys: ["effect"] },
);

const policy = array(rule, { maxLength: 6 }).map((rules) =>
  policyOf({ rules: rules.map((one, at) => ({ id: `rule-${at}`, ...one })) }),
);
const wanted = constantFrom(...SWITCHES);
const name = constantFrom(...NAMES);
const remark = constantFrom("", "#hr", "#it", "#hr #it");

const RUNS = { numRuns: 1_000 };

describe("of a user whom nobody has read", () => {
  test("whatever is decided is so however they are called", () => {
    assert(
      property(
        policy,
        wanted,
        option(name, { nil: undefined }),
        name,
        remark,
        (rules, one, known, read, text) => {
          const before = decideSwitch(rules, one, question({ name: known }));
          if (before.effect === "read-profile") return true;
          const after = decideSwitch(rules, one, question({ name: known ?? read, remark: text }));
          return after.rule === before.rule && after.effect === before.effect;
        },
      ),
      RUNS,
    );
  });

  test("something is always decided once they are", () => {
    assert(
      property(policy, wanted, option(name), option(remark), (rules, one, read, text) => {
        return decideSwitch(rules, one, question({ name: read, remark: text })).effect !== "read-profile";
      }),
      RUNS,
    );
  });
});

test("whom CAM does not describe, nothing is allowed of that could be refused if it did", () => {
  let allowed = 0;
  assert(
    property(
      policy,
      wanted,
      option(name),
      option(remark),
      name,
      remark,
      (rules, one, said, saidOf, read, text) => {
        const undescribed: Asked = { name: said, remark: saidOf };
        if (decideSwitch(rules, one, question(undescribed)).effect !== "allow") return true;
        allowed += 1;
        const described = question({ name: said ?? read, remark: saidOf ?? text });
        return decideSwitch(rules, one, described).effect === "allow";
      },
    ),
    RUNS,
  );
  expect(allowed).toBeGreaterThan(50);
});

test("what is explained is what a change meets", () => {
  const switches = uniqueArray(wanted, { minLength: 1, maxLength: 4 });
  assert(
    property(policy, switches, name, remark, (rules, several, read, text) => {
      const asked = question({ name: read, remark: text });
      const { outcome } = explainAccess(rules, several, asked, false);
      return (outcome === "allowed") === (decideAccess(rules, several, asked).effect === "allow");
    }),
    RUNS,
  );
});
