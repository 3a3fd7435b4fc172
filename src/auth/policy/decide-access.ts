import { GatewayError, type Uin } from "../../contract/index.ts";
import { DEFAULT_ACCOUNT } from "../accounts.ts";
import type { Caller, CallerIdentity, Scope } from "../caller.ts";
import { isWithin } from "./hours.ts";
import {
  type CallerPatterns,
  matchesAny,
  type Policy,
  type PolicyException,
  type PolicyRule,
  type Switch,
  type UinRange,
  type UserPatterns,
} from "./policy.ts";

/** The facts of a decision: the caller, the account, the user and the time. */
export interface AccessQuestion {
  readonly caller: CallerIdentity;
  readonly account: string;
  readonly user: PolicyUser;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/**
 * The user of a decision. Undefined means that the gateway has not read the profile yet. Null means that CAM did not
 * give the value.
 */
export interface PolicyUser {
  readonly opUin: Uin;
  readonly name: string | null | undefined;
  readonly remark: string | null | undefined;
}

/** The verdict on one switch. */
export type Verdict =
  | { readonly effect: "allow"; readonly rule: PolicyRule }
  /** The rule is undefined if no rule matches. */
  | { readonly effect: "deny"; readonly rule: PolicyRule | undefined }
  /** The rule's match depends on the user's profile, which the gateway must read from CAM first. */
  | { readonly effect: "read-profile"; readonly rule: PolicyRule };

/** The approval by another caller that a change needs, with the rule that requires it. */
interface ApprovalRule extends NonNullable<PolicyRule["approval"]> {
  readonly ruleId: string;
}

/** The right to make a change: immediately, or after an approval. */
export interface Permission {
  readonly approval: ApprovalRule | undefined;
  /** The ids of the rules that allow it, one for each switch, each once. */
  readonly rules: readonly string[];
}

/** The verdict on a whole change. If it is not "allow", `wanted` is the first switch without permission. */
export type AccessVerdict =
  | { readonly effect: "allow"; readonly permission: Permission }
  | (Exclude<Verdict, { effect: "allow" }> & { readonly wanted: Switch });

/** Decides about one switch. The first matching rule decides. Without a match, the verdict is "deny". */
export function decideSwitch({ rules }: Policy, wanted: Switch, question: AccessQuestion): Verdict {
  for (const rule of rules) {
    const match = matchRule(rule, wanted, question);
    if (match === "indeterminate") return { effect: "read-profile", rule };
    if (match === "matches") return { effect: rule.effect, rule };
  }
  return { effect: "deny", rule: undefined };
}

/**
 * Decides about a change. Every switch must be allowed. If the rules of several switches require approval, the rule
 * with the shortest time for it applies.
 */
export function decideAccess(
  policy: Policy,
  switches: readonly Switch[],
  question: AccessQuestion,
): AccessVerdict {
  let approval: ApprovalRule | undefined;
  const rules = new Set<string>();
  for (const wanted of switches) {
    const verdict = decideSwitch(policy, wanted, question);
    if (verdict.effect !== "allow") return { ...verdict, wanted };
    const { id, approval: terms } = verdict.rule;
    rules.add(id);
    if (terms === undefined) continue;
    if (approval === undefined || terms.expiresInMinutes < approval.expiresInMinutes) {
      approval = { ruleId: id, ...terms };
    }
  }
  return { effect: "allow", permission: { approval, rules: [...rules] } };
}

/** The first part of a rule that does not match. */
export type Mismatch = "callers" | "accounts" | "switches" | "hours" | "users";

/** `indeterminate` if the match depends on parts of the user's profile that the gateway has not read. */
type Match = "matches" | "indeterminate" | { readonly not: Mismatch };

/** Matches one rule. Checks the user last, so that the gateway reads no profile for a rule that does not apply. */
export function matchRule(rule: PolicyRule, wanted: Switch, question: AccessQuestion): Match {
  const { callers, accounts, switches, hours, users } = rule;
  if (callers !== undefined && !matchesCaller(callers, question.caller)) return { not: "callers" };
  if (accounts !== undefined && !matchesAny(accounts, question.account)) return { not: "accounts" };
  if (switches !== undefined && !matchesAny(switches, wanted)) return { not: "switches" };
  if (hours !== undefined && !isWithin(hours, question.atMs)) return { not: "hours" };
  const isUser = users === undefined || matchesUser(users, rule.effect, question.user);
  if (isUser === undefined) return "indeterminate";
  return isUser ? "matches" : { not: "users" };
}

/**
 * Returns whether a rule matches a user. Returns undefined if the gateway must read the profile first. If CAM gives no
 * name or remark, patterns for it match in a rule that denies and do not match in a rule that allows.
 */
function matchesUser(
  { uins, names, tags }: UserPatterns,
  effect: PolicyRule["effect"],
  { opUin, name, remark }: PolicyUser,
): boolean | undefined {
  if (uins !== undefined && isInAnyRange(uins, opUin)) return true;
  const judge = (text: string | null | undefined, matches: (text: string) => boolean): boolean | undefined =>
    text === null ? effect === "deny" : text === undefined ? undefined : matches(text.normalize());
  const verdicts = [
    names === undefined ? false : judge(name, (text) => matchesAny(names, text)),
    tags === undefined ? false : judge(remark, (text) => tagsOf(text).some((tag) => tags.includes(tag))),
  ];
  if (verdicts.includes(true)) return true;
  return verdicts.includes(undefined) ? undefined : false;
}

/**
 * Returns the tags in a remark. A tag may follow any character, because not every script has spaces. It starts with #
 * or the full-width # of CJK keyboards.
 */
function tagsOf(remark: string): string[] {
  return [...remark.matchAll(/[#＃]([\p{L}\p{M}\p{N}_-]+)/gu)].map(([, tag = ""]) => tag);
}

/**
 * Returns whether every given list matches the caller. Compares names exactly, because a name that looks the same may
 * belong to another caller.
 */
function matchesCaller(
  { subjects, clients, issuers }: CallerPatterns,
  { subject, client, issuer }: CallerIdentity,
): boolean {
  const matches = (patterns: readonly string[] | undefined, name: string | undefined): boolean =>
    patterns === undefined || (name !== undefined && matchesAny(patterns, name));
  return matches(subjects, subject) && matches(clients, client) && matches(issuers, issuer);
}

/**
 * Returns whether a caller may use an account, for reads and changes. Every caller may use the default account. For any
 * other account, the policy lists the callers. Without a policy, which only local mode permits, every caller may use
 * every account.
 */
export function mayUseAccount(policy: Policy | undefined, caller: CallerIdentity, account: string): boolean {
  if (account === DEFAULT_ACCOUNT || policy === undefined) return true;
  const use = Object.hasOwn(policy.accounts, account) ? policy.accounts[account] : undefined;
  return use !== undefined && matchesCaller(use.callers, caller);
}

/** The scope that permits changes of protected users. */
export const OVERRIDE: Scope = "cam.mfa:override";

/**
 * Rejects a change of a protected user.
 *
 * @throws GatewayError PROTECTED_USER if the caller lacks the scope OVERRIDE, or REASON_REQUIRED if the caller has it
 *   and gives no reason.
 */
export function requireUnprotected(
  opUin: Uin,
  protectedUsers: Policy["protectedUsers"],
  caller: Caller,
  reason: string | undefined,
): void {
  if (!isInAnyRange(protectedUsers, opUin)) return;
  if (!caller.scopes.has(OVERRIDE)) {
    const hint = `It needs the scope ${OVERRIDE}, and a reason.`;
    throw new GatewayError("PROTECTED_USER", { opUin, hint, rule: "protectedUsers" });
  }
  if (reason === undefined) {
    throw new GatewayError("REASON_REQUIRED", { opUin, hint: "It overrides the protection of this user." });
  }
}

/** The facts about a user that decide about an exception. */
interface ExcusableUser {
  readonly account: string;
  readonly opUin: Uin;
  /** Undefined or null if it is not known. No pattern matches it then. */
  readonly name: string | null | undefined;
}

/** Returns the exceptions that are in force at a time, in milliseconds since the Unix epoch. */
export function exceptionsAt({ exceptions }: Policy, atMs: number): readonly PolicyException[] {
  return exceptions.filter(({ until }) => atMs < Date.parse(`${until}T24:00:00Z`));
}

/** Returns the first of some exceptions that excuses a user, or undefined. */
export function exceptionOf(
  exceptions: readonly PolicyException[],
  { account, opUin, name }: ExcusableUser,
): PolicyException | undefined {
  return exceptions.find(({ users, accounts }) => {
    if (accounts !== undefined && !matchesAny(accounts, account)) return false;
    if (users.uins !== undefined && isInAnyRange(users.uins, opUin)) return true;
    return users.names !== undefined && typeof name === "string" && matchesAny(users.names, name.normalize());
  });
}

/** Returns whether a Uin is in one of the ranges. */
export function isInAnyRange(ranges: readonly UinRange[], uin: Uin): boolean {
  const number = BigInt(uin);
  return ranges.some(({ from, to }) => from <= number && number <= to);
}
