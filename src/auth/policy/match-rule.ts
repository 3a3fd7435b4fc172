import type { Uin } from "../../contract/index.ts";
import type { CallerIdentity } from "../caller.ts";
import { matchesSome } from "./glob.ts";
import { isWithin } from "./hours.ts";
import { matchesCaller } from "./matches-caller.ts";
import type { PolicyRule, UserPatterns } from "./policy.ts";
import type { Switch } from "./switch.ts";
import { isInSome } from "./uin-range.ts";

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
export type Match = "matches" | "hangs" | { readonly not: Mismatch };

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
