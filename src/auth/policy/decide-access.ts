import { type AccessQuestion, matchRule } from "./match-rule.ts";
import type { ApprovalTerms, Policy, PolicyRule } from "./policy.ts";
import type { Switch } from "./switch.ts";

/** `rule` is the one that decides; undefined where none matches, which refuses. */
export type Verdict =
  | { readonly effect: "allow"; readonly rule: PolicyRule }
  | { readonly effect: "deny"; readonly rule: PolicyRule | undefined }
  /** Whether this rule decides turns on what CAM says of the user, which has to be read. */
  | { readonly effect: "read-profile"; readonly rule: PolicyRule };

/** What is asked of another caller before a change is made. */
export interface ApprovalRule extends ApprovalTerms {
  readonly ruleId: string;
}

/** That a change may be made. */
export interface Permission {
  /** Undefined where it may be made at once. */
  readonly approval: ApprovalRule | undefined;
}

/** The verdict on a whole change. A refusal has the switch that is refused. */
export type AccessVerdict =
  | { readonly effect: "allow"; readonly permission: Permission }
  | (Exclude<Verdict, { effect: "allow" }> & { readonly wanted: Switch });

/** The first rule that matches decides, and none refuses. */
export function decideSwitch({ rules }: Policy, wanted: Switch, question: AccessQuestion): Verdict {
  for (const rule of rules) {
    const match = matchRule(rule, wanted, question);
    if (match === "hangs") return { effect: "read-profile", rule };
    if (match === "matches") return { effect: rule.effect, rule };
  }
  return { effect: "deny", rule: undefined };
}

/**
 * Every switch is judged by itself, and a change is allowed where all of its are; the first that is not decides. It
 * needs approval where one of them does, within the shortest time of theirs.
 */
export function decideAccess(
  policy: Policy,
  switches: readonly Switch[],
  question: AccessQuestion,
): AccessVerdict {
  let approval: ApprovalRule | undefined;
  for (const wanted of switches) {
    const verdict = decideSwitch(policy, wanted, question);
    if (verdict.effect !== "allow") return { ...verdict, wanted };
    approval = sooner(approval, verdict.rule);
  }
  return { effect: "allow", permission: { approval } };
}

function sooner(one: ApprovalRule | undefined, { id, approval }: PolicyRule): ApprovalRule | undefined {
  if (approval === undefined) return one;
  if (one !== undefined && one.expiresInMinutes <= approval.expiresInMinutes) return one;
  return { ruleId: id, ...approval };
}
