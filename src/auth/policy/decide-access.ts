import { GatewayError, type Uin } from "../../contract/index.ts";
import { DEFAULT_ACCOUNT } from "../accounts.ts";
import type { Caller, CallerIdentity, Scope } from "../caller.ts";
import { isWithin } from "./hours.ts";
import { isInSome, matchesSome } from "./patterns.ts";
import type { CallerPatterns, Policy, PolicyRule, Switch, UserPatterns } from "./policy.ts";

/** May this caller do this to this user of this account at this time? */
export interface AccessQuestion {
  readonly caller: CallerIdentity;
  readonly account: string;
  readonly user: PolicyUser;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** Undefined: not read yet. Null: CAM was asked and did not say. */
export interface PolicyUser {
  readonly opUin: Uin;
  readonly name: string | null | undefined;
  readonly remark: string | null | undefined;
}

/** The verdict on one switch. */
export type Verdict =
  | { readonly effect: "allow"; readonly rule: PolicyRule }
  /** Without a rule where none matches. */
  | { readonly effect: "deny"; readonly rule: PolicyRule | undefined }
  /** Whether this rule matches depends on the user's profile, which must be read from CAM. */
  | { readonly effect: "read-profile"; readonly rule: PolicyRule };

/** The approval by another caller that a change needs first. */
interface ApprovalRule extends NonNullable<PolicyRule["approval"]> {
  readonly ruleId: string;
}

/** The right to make a change: immediately, or after an approval. */
export interface Permission {
  readonly approval: ApprovalRule | undefined;
}

/** The verdict on a whole change. A refusal names the first switch that is refused. */
export type AccessVerdict =
  | { readonly effect: "allow"; readonly permission: Permission }
  | (Exclude<Verdict, { effect: "allow" }> & { readonly wanted: Switch });

/** Decides about one switch: the first rule that matches decides, and without a match the answer is no. */
export function decideSwitch({ rules }: Policy, wanted: Switch, question: AccessQuestion): Verdict {
  for (const rule of rules) {
    const match = matchRule(rule, wanted, question);
    if (match === "indeterminate") return { effect: "read-profile", rule };
    if (match === "matches") return { effect: rule.effect, rule };
  }
  return { effect: "deny", rule: undefined };
}

/**
 * Decides about a change: every switch must be allowed. The change needs approval if one of its switches does, and the
 * shortest time for it applies.
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
    const { id, approval: terms } = verdict.rule;
    if (terms === undefined) continue;
    if (approval === undefined || terms.expiresInMinutes < approval.expiresInMinutes) {
      approval = { ruleId: id, ...terms };
    }
  }
  return { effect: "allow", permission: { approval } };
}

/** The first part of a rule that does not match. */
export type Mismatch = "callers" | "accounts" | "switches" | "hours" | "users";

/** `indeterminate` where the answer depends on parts of the user's profile that have not been read. */
type Match = "matches" | "indeterminate" | { readonly not: Mismatch };

/** Matches one rule. Checks the user last, so that the gateway reads no profile for a rule that does not apply. */
export function matchRule(rule: PolicyRule, wanted: Switch, question: AccessQuestion): Match {
  const { callers, accounts, switches, hours, users } = rule;
  if (callers !== undefined && !matchesCaller(callers, question.caller)) return { not: "callers" };
  if (accounts !== undefined && !matchesSome(accounts, question.account)) return { not: "accounts" };
  if (switches !== undefined && !matchesSome(switches, wanted)) return { not: "switches" };
  if (hours !== undefined && !isWithin(hours, question.atMs)) return { not: "hours" };
  const isUser = users === undefined || matchesUser(users, rule.effect, question.user);
  if (isUser === undefined) return "indeterminate";
  return isUser ? "matches" : { not: "users" };
}

/** Where CAM does not give a user's name or remark, rules that deny match and rules that allow do not. */
function matchesUser(
  { uins, names, tags }: UserPatterns,
  effect: PolicyRule["effect"],
  { opUin, name, remark }: PolicyUser,
): boolean | undefined {
  if (uins !== undefined && isInSome(uins, opUin)) return true;
  const judge = (text: string | null | undefined, matches: (text: string) => boolean): boolean | undefined =>
    text === null ? effect === "deny" : text === undefined ? undefined : matches(text.normalize());
  const verdicts = [
    names === undefined ? false : judge(name, (text) => matchesSome(names, text)),
    tags === undefined ? false : judge(remark, (text) => tagsOf(text).some((tag) => tags.includes(tag))),
  ];
  if (verdicts.includes(true)) return true;
  return verdicts.includes(undefined) ? undefined : false;
}

/** Accepts a tag after any character, because not every script has spaces, and the full-width # of CJK keyboards. */
function tagsOf(remark: string): string[] {
  return [...remark.matchAll(/[#＃]([\p{L}\p{M}\p{N}_-]+)/gu)].map(([, tag = ""]) => tag);
}

/** Compares exactly, as tokens are compared: a name that looks the same may belong to another caller. */
function matchesCaller(
  { subjects, clients, issuers }: CallerPatterns,
  { subject, client, issuer }: CallerIdentity,
): boolean {
  const matches = (patterns: readonly string[] | undefined, name: string | undefined): boolean =>
    patterns === undefined || (name !== undefined && matchesSome(patterns, name));
  return matches(subjects, subject) && matches(clients, client) && matches(issuers, issuer);
}

/**
 * Returns whether a caller may use an account, for reads and changes. Every caller may use the default account. Other
 * accounts are closed unless the policy lists them. Without a policy, which only local mode permits, all are open.
 */
export function mayUseAccount(policy: Policy | undefined, caller: CallerIdentity, account: string): boolean {
  if (account === DEFAULT_ACCOUNT || policy === undefined) return true;
  const use = Object.hasOwn(policy.accounts, account) ? policy.accounts[account] : undefined;
  return use !== undefined && matchesCaller(use.callers, caller);
}

/** The scope that permits changes of protected users. */
export const OVERRIDE: Scope = "cam.mfa:override";

/**
 * Refuses changes of protected users.
 *
 * @throws GatewayError PROTECTED_USER where the caller lacks the scope OVERRIDE, REASON_REQUIRED where the caller has
 *   it and gives no reason.
 */
export function requireUnprotected(
  opUin: Uin,
  protectedUsers: Policy["protectedUsers"],
  caller: Caller,
  reason: string | undefined,
): void {
  if (!isInSome(protectedUsers, opUin)) return;
  if (!caller.scopes.has(OVERRIDE)) {
    const hint = `It needs the scope ${OVERRIDE}, and a reason.`;
    throw new GatewayError("PROTECTED_USER", { opUin, hint });
  }
  if (reason === undefined) {
    throw new GatewayError("REASON_REQUIRED", { opUin, hint: "It overrides the protection of this user." });
  }
}
