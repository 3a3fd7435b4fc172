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
import { explainAccess } from "../../../src/cli/policy-explain.ts";
import { ALICE, BOB, MAX } from "../../support/seed-users.ts";
import { uin } from "../../support/start-change-service.ts";
import { type Asked, policyOf, question } from "./policy-of.ts";

const ON: Switch = "login.phone.on";
const OFF: Switch = "login.phone.off";

/** A rule, a question and the verdict. `none` means that the rule does not match. */
type Row = readonly [what: string, rule: object, asked: Asked, verdict: "allow" | "deny" | "none" | "read"];

const hours = { timeZone: "Asia/Shanghai", from: "09:00", to: "18:00" };

const ROWS: readonly Row[] = [
  ["no conditions", {}, {}, "allow"],
  ["the exact subject", { callers: { subjects: ["wang"] } }, {}, "allow"],
  ["a pattern of the subject", { callers: { subjects: ["li", "w*"] } }, {}, "allow"],
  ["another subject", { callers: { subjects: ["wang2", "Wang", "wan"] } }, {}, "none"],
  ["the client", { callers: { clients: ["portal"] } }, {}, "allow"],
  ["a caller without a client", { callers: { clients: ["*"] } }, { caller: { client: undefined } }, "none"],
  ["a caller without an issuer", { callers: { issuers: ["*"] } }, { caller: { issuer: undefined } }, "none"],
  ["the subject and the client", { callers: { subjects: ["wang"], clients: ["portal"] } }, {}, "allow"],
  [
    "the subject with another client",
    { callers: { subjects: ["wang"], clients: ["help-desk"] } },
    {},
    "none",
  ],
  [
    "the same subject of another issuer",
    { callers: { subjects: ["wang"], issuers: ["https://ci.example.com"] } },
    {},
    "none",
  ],
  [
    "a subject in another Unicode composition",
    { callers: { subjects: ["jos\u00e9"] } },
    { caller: { subject: "jose\u0301" } },
    "none",
  ],

  ["a Uin", { users: { uins: ["100021969091"] } }, {}, "allow"],
  ["a Uin as a number", { users: { uins: [100021969091] } }, {}, "allow"],
  ["another Uin", { users: { uins: ["100021969092", "1000219690911"] } }, {}, "none"],
  ["the first Uin of a range", { users: { uins: ["100021969091-100021969092"] } }, {}, "allow"],
  ["the last Uin of a range", { users: { uins: ["1-100021969091"] } }, {}, "allow"],
  ["the Uin before a range", { users: { uins: ["100021969092-100021969099"] } }, {}, "none"],
  ["the Uin after a range", { users: { uins: ["1-100021969090"] } }, {}, "none"],
  ["the largest Uin", { users: { uins: [MAX] } }, { opUin: MAX }, "allow"],
  [
    "a range to the largest Uin",
    { users: { uins: [`18446744073709551614-${MAX}`] } },
    { opUin: MAX },
    "allow",
  ],
  [
    "a range to the Uin before the largest",
    { users: { uins: ["1-18446744073709551614"] } },
    { opUin: MAX },
    "none",
  ],
  [
    "a neighbouring Uin beyond 2^53",
    { users: { uins: ["9007199254740993"] } },
    { opUin: "9007199254740992" },
    "none",
  ],

  ["a name that has not been read", { users: { names: ["alice"] } }, {}, "read"],
  ["a tag that has not been read", { users: { tags: ["hr"] } }, {}, "read"],
  [
    "a matching Uin, so that the unread name is not needed",
    { users: { uins: ["100021969091"], names: ["x"] } },
    {},
    "allow",
  ],
  [
    "an unread name in a rule for another caller",
    { users: { names: ["x"] }, callers: { subjects: ["li"] } },
    {},
    "none",
  ],
  [
    "a matching name, so that the unread remark is not needed",
    { users: { names: ["a*"], tags: ["hr"] } },
    { name: "alice" },
    "allow",
  ],
  [
    "another name, so that the unread remark is needed",
    { users: { names: ["b*"], tags: ["hr"] } },
    { name: "alice" },
    "read",
  ],
  ["the exact name", { users: { names: ["alice"] } }, { name: "alice", remark: "" }, "allow"],
  ["the name in another case", { users: { names: ["Alice"] } }, { name: "alice", remark: "" }, "none"],
  ["a pattern of the name", { users: { names: ["*@hr"] } }, { name: "alice@hr", remark: "" }, "allow"],
  [
    "a name in another Unicode composition",
    { users: { names: ["jos\u00e9"] } },
    { name: "jose\u0301" },
    "allow",
  ],
  [
    "a pattern in another Unicode composition",
    { users: { names: ["jose\u0301*"] } },
    { name: "jos\u00e9-2" },
    "allow",
  ],
  [
    "allow, and a user without a name and remark in CAM",
    { users: { names: ["*"], tags: ["hr"] } },
    { name: null, remark: null },
    "none",
  ],
  [
    "deny by name, and a user without a name and remark in CAM",
    { effect: "deny", users: { names: ["admin"] } },
    { name: null, remark: null },
    "deny",
  ],
  [
    "deny by tag, and a user without a name and remark in CAM",
    { effect: "deny", users: { tags: ["hr"] } },
    { name: null, remark: null },
    "deny",
  ],
  ["one tag", { users: { tags: ["hr"] } }, { remark: "#hr" }, "allow"],
  ["a tag among words", { users: { tags: ["hr"] } }, { remark: "since 2020, #it;#hr" }, "allow"],
  ["a tag on a line of its own", { users: { tags: ["hr"] } }, { remark: "x\n#hr" }, "allow"],
  ["a longer tag", { users: { tags: ["hr"] } }, { remark: "#hr-external" }, "none"],
  ["a word without #", { users: { tags: ["hr"] } }, { remark: "hr" }, "none"],
  [
    "a tag after a comma and in brackets",
    { users: { tags: ["hr"] } },
    { remark: "外包，#it（#hr）" },
    "allow",
  ],
  ["a tag right after a word", { users: { tags: ["hr"] } }, { remark: "外包#hr" }, "allow"],
  ["a tag with a wide #", { users: { tags: ["hr"] } }, { remark: "外包＃hr" }, "allow"],
  ["a tag in another case", { users: { tags: ["hr"] } }, { remark: "#HR" }, "none"],
  ["a tag in another script", { users: { tags: ["人事"] } }, { remark: "#人事" }, "allow"],
  [
    "a tag in another Unicode composition",
    { users: { tags: ["cafe\u0301"] } },
    { remark: "#caf\u00e9" },
    "allow",
  ],
  ["no remark", { users: { tags: ["hr"] } }, { remark: "" }, "none"],
  ["deny by tag, and no remark", { effect: "deny", users: { tags: ["hr"] } }, { remark: "" }, "none"],

  ["the switch", { switches: [ON] }, {}, "allow"],
  ["all switches to on", { switches: ["*.on"] }, {}, "allow"],
  ["all switches to off", { switches: ["*.off"] }, {}, "none"],
  ["another protection", { switches: ["action.*"] }, {}, "none"],
  ["another method", { switches: ["login.stoken.*", "login.wechat.*"] }, {}, "none"],

  ["the default account", { accounts: ["default"] }, {}, "allow"],
  ["accounts by a pattern", { accounts: ["prod-*"] }, { account: "prod-cn" }, "allow"],
  ["another account", { accounts: ["prod-*"] }, {}, "none"],
  ["any account", {}, { account: "prod-cn" }, "allow"],

  ["within hours", { hours }, {}, "allow"],
  ["outside hours", { hours: { ...hours, to: "10:30" } }, {}, "none"],
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

  test("an empty list refuses everything", () => {
    for (const wanted of SWITCHES) expect(decide([], wanted)).toBe("deny undefined");
  });

  test("the first matching rule decides", () => {
    expect(decide([deny, allow], ON)).toBe("deny no");
    expect(decide([allow, deny], ON)).toBe("allow yes");
    expect(decide([{ ...deny, callers: { subjects: ["li"] } }, allow], ON)).toBe("allow yes");
  });

  test("a rule may allow only switching on", () => {
    const rules = [{ ...allow, switches: ["*.on"] }];
    const allowed = SWITCHES.filter((wanted) => decide(rules, wanted) === "allow yes");
    expect(allowed).toEqual(SWITCHES.filter((wanted) => wanted.endsWith(".on")));
  });

  test("a rule needs the user's profile only if no rule before it decides", () => {
    const named = { ...deny, users: { names: ["admin"] } };
    expect(decide([allow, named], ON)).toBe("allow yes");
    expect(decide([named, allow], ON)).toBe("read-profile no");
    expect(decide([named, allow], ON, { name: "alice" })).toBe("allow yes");
    expect(decide([named, allow], ON, { name: "admin" })).toBe("deny no");
  });

  test("a user without a name and remark in CAM is refused by a deny rule before a general allow rule", () => {
    const rules = [{ ...deny, users: { tags: ["admin"] } }, allow];
    expect(decide(rules, ON, { name: null, remark: null })).toBe("deny no");
  });
});

describe("a change", () => {
  const on = { id: "on", effect: "allow", switches: ["*.on"] };
  const off = { id: "off", effect: "allow", switches: ["*.off"], approval: { expiresInMinutes: 30 } };
  const sooner = { ...off, id: "sooner", switches: ["action.*.off"], approval: { expiresInMinutes: 5 } };

  test("is allowed if each of its switches is, and is refused for the first that is not", () => {
    const policy = policyOf({ rules: [on] });
    expect(decideAccess(policy, [ON, "action.stoken.on"], question())).toEqual({
      effect: "allow",
      permission: { approval: undefined, rules: ["on"] },
    });
    expect(decideAccess(policy, [ON, OFF], question())).toMatchObject({ effect: "deny", wanted: OFF });
  });

  test("needs approval if one of its switches does", () => {
    const policy = policyOf({ rules: [on, off] });
    expect(decideAccess(policy, [ON], question())).toMatchObject({ permission: { approval: undefined } });
    const approval = { ruleId: "off", expiresInMinutes: 30 };
    for (const [switches, rules] of [
      [
        [ON, OFF],
        ["on", "off"],
      ],
      [
        [OFF, ON],
        ["off", "on"],
      ],
      [[OFF, "action.phone.off"], ["off"]],
    ] as const) {
      expect(decideAccess(policy, switches, question())).toMatchObject({ permission: { approval, rules } });
    }
  });

  test("has the shortest approval time of its rules", () => {
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
  ["every caller may use the default account", WANG, "default", true],
  ["a listed caller may use a listed account", WANG, "prod", true],
  ["a caller that a pattern matches may use a listed account", { ...WANG, subject: "li@ops" }, "prod", true],
  ["an unlisted caller may not use a listed account", { ...WANG, subject: "li" }, "prod", false],
  [
    "a listed subject of another issuer may not use a listed account",
    { ...WANG, issuer: "https://ci.example.com" },
    "prod",
    false,
  ],
  ["no caller may use an unlisted account", WANG, "test", false],
  ['no caller may use an account named "constructor"', WANG, "constructor", false],
  ['no caller may use an account named "__proto__"', WANG, "__proto__", false],
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

test("an unprotected user needs neither the scope nor a reason", () => {
  expect(codeFor(BOB, [])).toBeUndefined();
});

/** Few names, so that rules often match users. */
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

describe("a user whose profile is not read", () => {
  test("keeps an earlier decision after the read", () => {
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

  test("always gets a decision after the read", () => {
    assert(
      property(policy, wanted, option(name), option(remark), (rules, one, read, text) => {
        return decideSwitch(rules, one, question({ name: read, remark: text })).effect !== "read-profile";
      }),
      RUNS,
    );
  });
});

test("a user without a name or remark in CAM is allowed only changes that every name and remark allows", () => {
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

test("explainAccess and decideAccess agree", () => {
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
