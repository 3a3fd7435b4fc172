import { GatewayError, type Uin } from "../../contract/index.ts";
import { DEFAULT_ACCOUNT } from "../accounts.ts";
import type { Caller, CallerIdentity, Scope } from "../caller.ts";
import { isWithin } from "./hours.ts";
import { isInSome, matchesSome } from "./patterns.ts";
import type { ApprovalTerms, CallerPatterns, Policy, PolicyRule, Switch, UserPatterns } from "./policy.ts";

/** `rule` is the one that decides; undefined where none matches, which refuses. */
export type Verdict =
  | { readonly effect: "allow"; readonly rule: PolicyRule }
  | { readonly effect: "deny"; readonly rule: PolicyRule | undefined }
  /** Whether this rule decides turns on what CAM says of the user, which has to be read. */
  | { readonly effect: "read-profile"; readonly rule: PolicyRule };

/** What is asked of another caller before a change is made. */
interface ApprovalRule extends ApprovalTerms {
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

/** May this caller do this to this user of this account at this time? */
export interface AccessQuestion {
  readonly caller: CallerIdentity;
  readonly account: string;
  readonly user: PolicyUser;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** Undefined: not read yet. Null: CAM was asked and does not say. */
export interface PolicyUser {
  readonly opUin: Uin;
  readonly name: string | null | undefined;
  readonly remark: string | null | undefined;
}

/** The part of a rule by which it is about something else. */
export type Mismatch = "callers" | "accounts" | "switches" | "hours" | "users";

/** `hangs` where it turns on what has not been read of the user. */
type Match = "matches" | "hangs" | { readonly not: Mismatch };

/** What has to be read of the user comes last: nobody reads it for a rule that is about something else. */
export function matchRule(rule: PolicyRule, wanted: Switch, question: AccessQuestion): Match {
  const { callers, accounts, switches, hours, users } = rule;
  if (callers !== undefined && !matchesCaller(callers, question.caller)) return { not: "callers" };
  if (accounts !== undefined && !matchesSome(accounts, question.account)) return { not: "accounts" };
  if (switches !== undefined && !matchesSome(switches, wanted)) return { not: "switches" };
  if (hours !== undefined && !isWithin(hours, question.atMs)) return { not: "hours" };
  const isUser = users === undefined || matchesUser(users, rule.effect, question.user);
  if (isUser === undefined) return "hangs";
  return isUser ? "matches" : { not: "users" };
}

/** Of what CAM does not say of a user every refusal holds, and no permission. */
function matchesUser(
  { uins, names, tags }: UserPatterns,
  effect: PolicyRule["effect"],
  { opUin, name, remark }: PolicyUser,
): boolean | undefined {
  if (uins !== undefined && isInSome(uins, opUin)) return true;
  const judge = (text: string | null | undefined, matches: (text: string) => boolean): boolean | undefined =>
    text === null ? effect === "deny" : text === undefined ? undefined : matches(text.normalize());
  const verdicts = [
    ...(names === undefined ? [] : [judge(name, (text) => matchesSome(names, text))]),
    ...(tags === undefined ? [] : [judge(remark, (text) => tagsOf(text).some((tag) => tags.includes(tag)))]),
  ];
  if (verdicts.includes(true)) return true;
  return verdicts.includes(undefined) ? undefined : false;
}

/** Whatever stands before it, since not every script puts blanks between words, and the # of its keyboards may be wide. */
function tagsOf(remark: string): string[] {
  return [...remark.matchAll(/[#＃]([\p{L}\p{M}\p{N}_-]+)/gu)].map(([, tag = ""]) => tag);
}

/** To the letter, as tokens are compared: what looks the same may be somebody else. */
function matchesCaller(
  { subjects, clients, issuers }: CallerPatterns,
  { subject, client, issuer }: CallerIdentity,
): boolean {
  return matches(subjects, subject) && matches(clients, client) && matches(issuers, issuer);
}

function matches(patterns: readonly string[] | undefined, name: string | undefined): boolean {
  return patterns === undefined || (name !== undefined && matchesSome(patterns, name));
}

/**
 * Whether a caller may use an account at all, to read or to change. The default one is open to whoever has the scope.
 * Any other is nobody's unless the policy lists it, and everybody's where there is no policy, which only local mode
 * can be without.
 */
export function mayUseAccount(policy: Policy | undefined, caller: CallerIdentity, account: string): boolean {
  if (account === DEFAULT_ACCOUNT || policy === undefined) return true;
  if (!Object.hasOwn(policy.accounts, account)) return false;
  const use = policy.accounts[account];
  return use !== undefined && matchesCaller(use.callers, caller);
}

/** Whoever has it may change protected users, for a reason. */
export const OVERRIDE: Scope = "cam.mfa:override";

/**
 * @throws GatewayError PROTECTED_USER for a user of the list, unless the caller may override that; REASON_REQUIRED where
 *   that caller gives no reason.
 */
export function requireUnprotected(
  opUin: Uin,
  protectedUsers: Policy["protectedUsers"],
  caller: Caller,
  reason: string | undefined,
): void {
  if (!isInSome(protectedUsers, opUin)) return;
  if (!caller.scopes.has(OVERRIDE)) {
    throw new GatewayError("PROTECTED_USER", {
      opUin,
      hint: `It needs the scope ${OVERRIDE}, and a reason.`,
    });
  }
  if (reason === undefined) {
    throw new GatewayError("REASON_REQUIRED", { opUin, hint: "It overrides the protection of this user." });
  }
}
