import type { Uin } from "../../contract/index.ts";
import type { CallerIdentity } from "../caller.ts";
import { matchesSome } from "./glob.ts";
import { isWithin } from "./hours.ts";
import type { CallerPatterns, Policy, PolicyRule, UserPatterns } from "./policy.ts";
import type { Switch } from "./switch.ts";
import { isInSome } from "./uin-range.ts";

/** What CAM says of a user. */
export interface UserProfile {
  readonly name: string | undefined;
  readonly remark: string | undefined;
}

/** May this caller do this to this user at this time? */
export interface AccessQuestion {
  readonly caller: CallerIdentity;
  readonly opUin: Uin;
  /** Undefined: not read yet. Null: CAM has none of this user. */
  readonly profile: UserProfile | null | undefined;
  readonly atMs: number;
}

/** `rule` is the one that decides; undefined where none matches, which refuses. */
export type Verdict =
  | { readonly effect: "allow"; readonly rule: PolicyRule }
  | { readonly effect: "deny"; readonly rule: PolicyRule | undefined }
  /** Which rule decides hangs on what CAM says of the user. */
  | { readonly effect: "read-profile" };

/** The first rule that matches decides, and none refuses. */
export function decideSwitch({ rules }: Policy, wanted: Switch, question: AccessQuestion): Verdict {
  const { caller, atMs } = question;
  for (const rule of rules) {
    if (rule.callers !== undefined && !matchesCaller(rule.callers, caller)) continue;
    if (rule.switches !== undefined && !matchesSome(rule.switches, wanted)) continue;
    if (rule.hours !== undefined && !isWithin(rule.hours, atMs)) continue;
    const isUser = rule.users === undefined || matchesUser(rule.users, rule.effect, question);
    if (isUser === undefined) return { effect: "read-profile" };
    if (isUser) return { effect: rule.effect, rule };
  }
  return { effect: "deny", rule: undefined };
}

/** Every switch is judged by itself, and a change is allowed where all of its are. The first that is not decides. */
export function decideAccess(
  policy: Policy,
  switches: readonly Switch[],
  question: AccessQuestion,
): Verdict | undefined {
  for (const wanted of switches) {
    const verdict = decideSwitch(policy, wanted, question);
    if (verdict.effect !== "allow") return verdict;
  }
  return undefined;
}

function matchesCaller({ subjects, clients, issuers }: CallerPatterns, caller: CallerIdentity): boolean {
  const matches = (patterns: readonly string[] | undefined, name: string | undefined): boolean =>
    patterns === undefined || (name !== undefined && matchesSome(patterns, name));
  return (
    matches(subjects, caller.subject) && matches(clients, caller.client) && matches(issuers, caller.issuer)
  );
}

/** Of a user whom CAM does not describe every refusal holds, and no permission. */
function matchesUser(
  { uins, names, tags }: UserPatterns,
  effect: PolicyRule["effect"],
  { opUin, profile }: AccessQuestion,
): boolean | undefined {
  if (uins !== undefined && isInSome(uins, opUin)) return true;
  if (names === undefined && tags === undefined) return false;
  if (profile === undefined) return undefined;
  const ifNotSaid = effect === "deny";
  const isNamed =
    names !== undefined && (profile?.name === undefined ? ifNotSaid : matchesSome(names, profile.name));
  const isTagged =
    tags !== undefined &&
    (profile === null ? ifNotSaid : tagsOf(profile.remark).some((tag) => tags.includes(tag)));
  return isNamed || isTagged;
}

function tagsOf(remark = ""): string[] {
  return [...remark.matchAll(/(?:^|[\s,;])#([\p{L}\p{N}_-]+)/gu)].map(([, tag = ""]) => tag);
}
