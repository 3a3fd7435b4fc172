import { expect, test } from "vitest";
import type { Uin } from "../../src/contract/index.ts";
import type { DirectoryUser } from "../../src/directory/directory.ts";
import { ItemPlanner } from "../../src/rollouts/item-planner.ts";
import type { DesiredProtections } from "../../src/rollouts/rollout.ts";
import { policyOf } from "../auth/policy/policy-of.ts";

const OFF = {
  ...{ phone: false, token: false, stoken: false, wechat: false, custom: false, mail: false },
  ...{ u2fToken: false, passkey: undefined },
};
const ASOF = new Date("2026-01-01T00:00:00Z");

const policy = policyOf(
  JSON.stringify({
    protectedUsers: ["900"],
    exceptions: [{ users: { names: ["robot-*"] }, reason: "No device", until: "2026-12-31" }],
    rules: [
      { id: "no-vip", effect: "deny", users: { tags: ["vip"] } },
      { id: "no-wechat-off", effect: "deny", switches: ["*.wechat.off"] },
      { id: "two", effect: "allow", approval: { expiresInMinutes: 60 }, users: { uins: ["777"] } },
      { id: "all", effect: "allow" },
    ],
  }),
);

function planOf(user: Partial<DirectoryUser>, desired: DesiredProtections, unread?: "USER_NOT_EXIST") {
  const known: DirectoryUser = {
    ...{ account: "default", opUin: "100" as Uin, name: "ann", consoleLogin: true, hasPhone: true },
    ...{ loginState: "UNPROTECTED", actionState: "UNPROTECTED", strength: "NONE" },
    protections: { login: OFF, action: OFF, asOf: ASOF, source: "SCAN" },
  };
  const isOwn = (opUin: Uin) => opUin === "999";
  const { protections, ...rest } = { ...known, ...user };
  return new ItemPlanner({ policy, caller: { subject: "bob" }, atMs: ASOF.getTime(), isOwn }).plan(
    { ...rest, ...(protections && { protections }) },
    desired,
    unread,
  );
}

const known = (login: object, action: object = {}): Partial<DirectoryUser> => ({
  protections: { login: { ...OFF, ...login }, action: { ...OFF, ...action }, asOf: ASOF, source: "SCAN" },
});
const PHONE = { login: { phone: true } };
const WECHAT = { login: { wechat: true } };

test.each<[string, ReturnType<typeof planOf>, object]>([
  ["changes a user with a phone", planOf({}, PHONE), { state: "will_change" }],
  ["leaves a user who has it", planOf(known({ phone: true }), PHONE), { state: "already_so" }],
  [
    "blocks a user without a phone",
    planOf({ hasPhone: false }, PHONE),
    { state: "blocked", code: "USER_NOT_BIND_PHONE" },
  ],
  [
    "blocks a protected user",
    planOf({ opUin: "900" as Uin }, PHONE),
    { state: "blocked", code: "PROTECTED_USER" },
  ],
  [
    "blocks the owner of the key",
    planOf({ opUin: "999" as Uin }, PHONE),
    { state: "blocked", code: "PROTECTED_USER" },
  ],
  ["blocks by the policy", planOf({ remark: "#vip" }, PHONE), { state: "blocked", code: "FORBIDDEN" }],
  [
    "blocks a switch by the policy",
    planOf({}, { login: { wechat: false, phone: true } }),
    { code: "FORBIDDEN" },
  ],
  [
    "blocks a method that a write removes",
    planOf(known({ u2fToken: true }), PHONE),
    { code: "MFA_METHOD_NOT_WRITABLE" },
  ],
  ["blocks a gap in CAM's answer", planOf(known({ wechat: undefined }), PHONE), { code: "CAM_BAD_RESPONSE" }],
  [
    "excuses by the policy",
    planOf({ name: "robot-1" }, PHONE),
    { state: "excused", why: "No device (until 2026-12-31)" },
  ],
  [
    "blocks a user whom CAM did not show",
    planOf({ protections: undefined } as never, PHONE, "USER_NOT_EXIST"),
    { code: "USER_NOT_EXIST" },
  ],
  [
    "blocks a user after an unknown outcome",
    planOf({ protections: undefined } as never, PHONE),
    { code: "OUTCOME_UNKNOWN" },
  ],
  [
    "sees a risk in WeChat that nothing confirms",
    planOf({}, WECHAT),
    { state: "at_risk", code: "USER_NOT_BIND_WECHAT" },
  ],
  [
    "sees no risk in WeChat that is in use",
    planOf(known({}, { wechat: true }), WECHAT),
    { state: "will_change" },
  ],
  [
    "sees no risk without console login",
    planOf({ consoleLogin: false }, WECHAT),
    { state: "will_change", code: "USER_NOT_BIND_WECHAT" },
  ],
  [
    "sees no risk in operation protection",
    planOf({}, { action: { wechat: true } }),
    { state: "will_change", code: "USER_NOT_BIND_WECHAT" },
  ],
  [
    "sees a risk in a phone that CAM did not list",
    planOf({ hasPhone: undefined } as never, PHONE),
    { state: "at_risk" },
  ],
  [
    "asks for the approval of a rule",
    planOf({ opUin: "777" as Uin }, PHONE),
    { state: "will_change", approvalMinutes: 60 },
  ],
])("%s", (_, planned, expected) => {
  expect(planned).toMatchObject(expected);
});

test("sends full flag sets, with the methods that stay", () => {
  expect(planOf(known({ stoken: true }), PHONE)).toMatchObject({
    before: { login: { stoken: true }, asOf: "2026-01-01T00:00:00.000Z" },
    sent: { login: { phone: true, stoken: true, wechat: false } },
  });
});

test("a user whose name is not known is refused by a rule on tags, and excused by no pattern", () => {
  expect(planOf({ name: undefined } as never, PHONE)).toMatchObject({ state: "blocked", code: "FORBIDDEN" });
});
