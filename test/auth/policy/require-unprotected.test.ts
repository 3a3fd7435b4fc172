import { expect, test } from "vitest";
import { SCOPES, type Scope } from "../../../src/auth/caller.ts";
import { requireUnprotected } from "../../../src/auth/policy/decide-access.ts";
import { ALICE, BOB } from "../../support/seed-users.ts";
import { uin } from "../../support/start-change-service.ts";
import { policyOf } from "./policy-of.ts";

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
