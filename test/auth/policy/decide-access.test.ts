import { array, assert, constantFrom, option, property, record, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import { SCOPES, type Scope } from "../../../src/auth/caller.ts";
import {
  decideAccess,
  decideSwitch,
  mayUseAccount,
  requireUnprotected,
} from "../../../src/auth/policy/decide-access.ts";
import { SWITCHES, type Switch } from "../../../src/auth/policy/policy.ts";
import { explainAccess } from "../../../src/cli/policy/explain-access.ts";
import { ALICE, BOB, MAX } from "../../support/seed-users.ts";
import { uin } from "../../support/start-change-service.ts";
import { type Asked, policyOf, question } from "./policy-of.ts";

const ON: Switch = "login.phone.on";
const OFF: Switch = "login.phone.off";

/** One rule and what comes of it; `none` is that it does not match, so that nothing allows it. */
type Row = readonly [what: string, rule: object, asked: Asked, verdict: "allow" | "deny" | "none" | "read"];

const hours = { timeZone: "Asia/Shanghai", from: "09:00", to: "18:00" };

const ROWS: readonly Row[] = [
  ["what is left out does not narrow", {}, {}, "allow"],
  ["subject to the letter", { callers: { subjects: ["wang"] } }, {}, "allow"],
  ["subject by a pattern", { callers: { subjects: ["li", "w*"] } }, {}, "allow"],
  ["another subject", { callers: { subjects: ["wang2", "Wang", "wan"] } }, {}, "none"],
  ["client", { callers: { clients: ["portal"] } }, {}, "allow"],
  ["a caller without a client", { callers: { clients: ["*"] } }, { caller: { client: undefined } }, "none"],
  ["a caller without an issuer", { callers: { issuers: ["*"] } }, { caller: { issuer: undefined } }, "none"],
  ["subject and client, both", { callers: { subjects: ["wang"], clients: ["portal"] } }, {}, "allow"],
  ["subject without client", { callers: { subjects: ["wang"], clients: ["help-desk"] } }, {}, "none"],
  [
    "another issuer's wang",
    { callers: { subjects: ["wang"], issuers: ["https://ci.example.com"] } },
    {},
    "none",
  ],
  [
    "what looks like the subject",
    { callers: { subjects: ["jos\u00e9"] } },
    { caller: { subject: "jose\u0301" } },
    "none",
  ],

  ["a Uin", { users: { uins: ["100021969091"] } }, {}, "allow"],
  ["a Uin that is a number", { users: { uins: [100021969091] } }, {}, "allow"],
  ["another Uin", { users: { uins: ["100021969092", "1000219690911"] } }, {}, "none"],
  ["the first of a range", { users: { uins: ["100021969091-100021969092"] } }, {}, "allow"],
  ["the last of a range", { users: { uins: ["1-100021969091"] } }, {}, "allow"],
  ["one before a range", { users: { uins: ["100021969092-100021969099"] } }, {}, "none"],
  ["one after a range", { users: { uins: ["1-100021969090"] } }, {}, "none"],
  ["the largest Uin", { users: { uins: [MAX] } }, { opUin: MAX }, "allow"],
  [
    "a range to the largest Uin",
    { users: { uins: [`18446744073709551614-${MAX}`] } },
    { opUin: MAX },
    "allow",
  ],
  ["a range to the one before it", { users: { uins: ["1-18446744073709551614"] } }, { opUin: MAX }, "none"],
  [
    "a range beyond 2^53, one apart",
    { users: { uins: ["9007199254740993"] } },
    { opUin: "9007199254740992" },
    "none",
  ],

  ["a name that has not been read", { users: { names: ["alice"] } }, {}, "read"],
  ["a tag that has not been read", { users: { tags: ["hr"] } }, {}, "read"],
  ["a Uin where the name need not be read", { users: { uins: ["100021969091"], names: ["x"] } }, {}, "allow"],
  [
    "a rule that is about others anyway",
    { users: { names: ["x"] }, callers: { subjects: ["li"] } },
    {},
    "none",
  ],
  [
    "the remark where the name matches already",
    { users: { names: ["a*"], tags: ["hr"] } },
    { name: "alice" },
    "allow",
  ],
  [
    "the remark where the name does not match",
    { users: { names: ["b*"], tags: ["hr"] } },
    { name: "alice" },
    "read",
  ],
  ["name to the letter", { users: { names: ["alice"] } }, { name: "alice", remark: "" }, "allow"],
  ["name in another case", { users: { names: ["Alice"] } }, { name: "alice", remark: "" }, "none"],
  ["name by a pattern", { users: { names: ["*@hr"] } }, { name: "alice@hr", remark: "" }, "allow"],
  ["a name composed otherwise", { users: { names: ["jos\u00e9"] } }, { name: "jose\u0301" }, "allow"],
  ["a pattern composed otherwise", { users: { names: ["jose\u0301*"] } }, { name: "jos\u00e9-2" }, "allow"],
  [
    "an allowed user of whom CAM says nothing",
    { users: { names: ["*"], tags: ["hr"] } },
    { name: null, remark: null },
    "none",
  ],
  [
    "a denied user of whom CAM says nothing",
    { effect: "deny", users: { names: ["admin"] } },
    { name: null, remark: null },
    "deny",
  ],
  [
    "a denied tag of whom CAM says nothing",
    { effect: "deny", users: { tags: ["hr"] } },
    { name: null, remark: null },
    "deny",
  ],
  ["one tag", { users: { tags: ["hr"] } }, { remark: "#hr" }, "allow"],
  ["a tag among words", { users: { tags: ["hr"] } }, { remark: "since 2020, #it;#hr" }, "allow"],
  ["a tag on a line of its own", { users: { tags: ["hr"] } }, { remark: "x\n#hr" }, "allow"],
  ["a tag that goes on", { users: { tags: ["hr"] } }, { remark: "#hr-external" }, "none"],
  ["a word without #", { users: { tags: ["hr"] } }, { remark: "hr" }, "none"],
  ["a tag without a blank before it", { users: { tags: ["hr"] } }, { remark: "外包，#it（#hr）" }, "allow"],
  ["a tag right after a word", { users: { tags: ["hr"] } }, { remark: "外包#hr" }, "allow"],
  ["a tag with a wide #", { users: { tags: ["hr"] } }, { remark: "外包＃hr" }, "allow"],
  ["a tag in another case", { users: { tags: ["hr"] } }, { remark: "#HR" }, "none"],
  ["a tag in another script", { users: { tags: ["人事"] } }, { remark: "#人事" }, "allow"],
  ["a tag composed otherwise", { users: { tags: ["cafe\u0301"] } }, { remark: "#caf\u00e9" }, "allow"],
  ["no remark", { users: { tags: ["hr"] } }, { remark: "" }, "none"],
  ["a denied tag and no remark", { effect: "deny", users: { tags: ["hr"] } }, { remark: "" }, "none"],

  ["this switch", { switches: [ON] }, {}, "allow"],
  ["on, of all", { switches: ["*.on"] }, {}, "allow"],
  ["off alone", { switches: ["*.off"] }, {}, "none"],
  ["another protection", { switches: ["action.*"] }, {}, "none"],
  ["another method", { switches: ["login.stoken.*", "login.wechat.*"] }, {}, "none"],

  ["the default account", { accounts: ["default"] }, {}, "allow"],
  ["accounts by a pattern", { accounts: ["prod-*"] }, { account: "prod-cn" }, "allow"],
  ["another account", { accounts: ["prod-*"] }, {}, "none"],
  ["any account", {}, { account: "prod-cn" }, "allow"],

  ["within hours", { hours }, {}, "allow"],
  ["out of hours", { hours: { ...hours, to: "10:30" } }, {}, "none"],
  ["on the day", { hours: { ...hours, days: ["Mon", "Tue"] } }, {}, "allow"],
  ["on another day", { hours: { ...hours, days: ["Mon"] } }, {}, "none"],
];

describe("a rule", () => {
  test.each(ROWS)("%s", (_what, rule, asked, expected) => {
    const policy = policyOf({ rules: [{ id: "it", effect: "allow", ...rule }] });
    const { effect, rule: decisive } = decideSwitch(policy, ON, question(asked));
    const verdict = effect === "read-profile" ? "read" : decisive === undefined ? "none" : effect;
    expect(verdict).toBe(expected);
  });
});

describe("rules", () => {
  const decide = (rules: readonly object[], wanted: Switch, asked: Asked = {}) => {
    const { effect, rule } = decideSwitch(policyOf({ rules }), wanted, question(asked));
    return `${effect} ${rule?.id}`;
  };
  const allow = { id: "yes", effect: "allow" };
  const deny = { id: "no", effect: "deny" };

  test("where there is none, everything is refused", () => {
    for (const wanted of SWITCHES) expect(decide([], wanted)).toBe("deny undefined");
  });

  test("the first that matches decides", () => {
    expect(decide([deny, allow], ON)).toBe("deny no");
    expect(decide([allow, deny], ON)).toBe("allow yes");
    expect(decide([{ ...deny, callers: { subjects: ["li"] } }, allow], ON)).toBe("allow yes");
  });

  test("on may be given apart from off", () => {
    const rules = [{ ...allow, switches: ["*.on"] }];
    const allowed = SWITCHES.filter((wanted) => decide(rules, wanted) === "allow yes");
    expect(allowed).toEqual(SWITCHES.filter((wanted) => wanted.endsWith(".on")));
  });

  test("the user is read for a rule only where none before it decides", () => {
    const named = { ...deny, users: { names: ["admin"] } };
    expect(decide([allow, named], ON)).toBe("allow yes");
    expect(decide([named, allow], ON)).toBe("read-profile no");
    expect(decide([named, allow], ON, { name: "alice" })).toBe("allow yes");
    expect(decide([named, allow], ON, { name: "admin" })).toBe("deny no");
  });

  test("whoever CAM does not describe is refused, though a rule would allow everybody", () => {
    const rules = [{ ...deny, users: { tags: ["admin"] } }, allow];
    expect(decide(rules, ON, { name: null, remark: null })).toBe("deny no");
  });
});

describe("a change", () => {
  const on = { id: "on", effect: "allow", switches: ["*.on"] };
  const off = { id: "off", effect: "allow", switches: ["*.off"], approval: { expiresInMinutes: 30 } };
  const sooner = { ...off, id: "sooner", switches: ["action.*.off"], approval: { expiresInMinutes: 5 } };

  test("is allowed where each of its switches is, and is refused for the first that is not", () => {
    const policy = policyOf({ rules: [on] });
    expect(decideAccess(policy, [ON, "action.stoken.on"], question())).toEqual({
      effect: "allow",
      permission: { approval: undefined },
    });
    expect(decideAccess(policy, [ON, OFF], question())).toMatchObject({ effect: "deny", wanted: OFF });
  });

  test("needs approval where one of its switches does", () => {
    const policy = policyOf({ rules: [on, off] });
    expect(decideAccess(policy, [ON], question())).toMatchObject({ permission: { approval: undefined } });
    for (const switches of [[ON, OFF], [OFF, ON], [OFF]] as const) {
      expect(decideAccess(policy, switches, question())).toMatchObject({
        permission: { approval: { ruleId: "off", expiresInMinutes: 30 } },
      });
    }
  });

  test("has to be approved in the shortest time of those that its rules give", () => {
    const policy = policyOf({ rules: [sooner, off] });
    const approval = { ruleId: "sooner", expiresInMinutes: 5 };
    const both: readonly Switch[] = [OFF, "action.phone.off"];
    expect(decideAccess(policy, both, question())).toMatchObject({ permission: { approval } });
    expect(decideAccess(policy, both.toReversed(), question())).toMatchObject({ permission: { approval } });
  });
});

const accountPolicy = policyOf({
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
  expect(mayUseAccount(accountPolicy, caller, account)).toBe(may);
});

test("without a policy, which only local mode permits, every caller may use every account", () => {
  expect(mayUseAccount(undefined, { subject: "local" }, "prod")).toBe(true);
});

const { protectedUsers } = policyOf({ protectedUsers: [ALICE], rules: [] });

function codeFor(opUin: string, scopes: readonly Scope[], reason?: string): unknown {
  try {
    requireUnprotected(uin(opUin), protectedUsers, { subject: "wang", scopes: new Set(scopes) }, reason);
    return undefined;
  } catch (error) {
    return (error as { code: unknown }).code;
  }
}

test("a protected user is changed only with the scope to override and a reason", () => {
  const others = SCOPES.filter((scope) => scope !== "cam.mfa:override");
  expect(codeFor(ALICE, others)).toBe("PROTECTED_USER");
  expect(codeFor(ALICE, others, "because")).toBe("PROTECTED_USER");
  expect(codeFor(ALICE, ["cam.mfa:override"])).toBe("REASON_REQUIRED");
  expect(codeFor(ALICE, ["cam.mfa:override"], "because")).toBeUndefined();
});

test("nobody else asks for either", () => {
  expect(codeFor(BOB, [])).toBeUndefined();
});

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
