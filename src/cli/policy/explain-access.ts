import {
  type AccessQuestion,
  decideSwitch,
  isInAnyRange,
  type Mismatch,
  matchRule,
  mayUseAccount,
  type Verdict,
} from "../../auth/policy/decide-access.ts";
import type { Policy, Switch } from "../../auth/policy/policy.ts";

/** The decision of a policy about a change. */
export interface Explanation {
  readonly switches: readonly ExplainedSwitch[];
  readonly isProtected: boolean;
  readonly mayUseAccount: boolean;
  /** `unknown` if the decision depends on a missing fact about the user, and no other rule refuses. */
  readonly outcome: "allowed" | "refused" | "unknown";
}

export interface ExplainedSwitch {
  readonly wanted: Switch;
  readonly verdict: Verdict;
  /** The rules before the one that decides, each with the part that does not match. */
  readonly passedOver: readonly { readonly id: string; readonly by: Mismatch }[];
  /** The missing facts about the user that the verdict needs. */
  readonly missing: readonly ("name" | "remark")[];
}

/** Decides as for a change and returns the reasons. `overrides`: the caller has cam.mfa:override and gives a reason. */
export function explainAccess(
  policy: Policy,
  wanted: readonly Switch[],
  question: AccessQuestion,
  overrides: boolean,
): Explanation {
  const switches = wanted.map((one) => explainSwitch(policy, one, question));
  const isProtected = isInAnyRange(policy.protectedUsers, question.user.opUin);
  const mayUse = mayUseAccount(policy, question.caller, question.account);
  const effects = switches.map(({ verdict }) => verdict.effect);
  const isRefused = !mayUse || (isProtected && !overrides) || effects.includes("deny");
  const outcome = isRefused ? "refused" : effects.includes("read-profile") ? "unknown" : "allowed";
  return { switches, isProtected, mayUseAccount: mayUse, outcome };
}

function explainSwitch(policy: Policy, wanted: Switch, question: AccessQuestion): ExplainedSwitch {
  const verdict = decideSwitch(policy, wanted, question);
  const decisive = verdict.rule === undefined ? policy.rules.length : policy.rules.indexOf(verdict.rule);
  const passedOver = policy.rules.slice(0, decisive).flatMap((rule) => {
    const match = matchRule(rule, wanted, question);
    return typeof match === "object" ? [{ id: rule.id, by: match.not }] : [];
  });
  const { names, tags } = (verdict.effect === "read-profile" ? verdict.rule.users : undefined) ?? {};
  const { name, remark } = question.user;
  const missing = [
    ...(names !== undefined && name === undefined ? (["name"] as const) : []),
    ...(tags !== undefined && remark === undefined ? (["remark"] as const) : []),
  ];
  return { wanted, verdict, passedOver, missing };
}
