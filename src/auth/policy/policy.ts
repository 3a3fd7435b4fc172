import type { Hours } from "./hours.ts";
import type { UinRange } from "./patterns.ts";

/** Who may change whom. What is left out of a rule does not narrow it. */
export interface Policy {
  /** The break-glass list: changed only by who may override it, for a reason. */
  readonly protectedUsers: readonly UinRange[];
  /** Who may use which account beside the default one, for reads and for changes. */
  readonly accounts: Readonly<Record<string, AccountUse>>;
  /** The first that matches decides. */
  readonly rules: readonly PolicyRule[];
}

interface AccountUse {
  readonly callers: CallerPatterns;
}

export interface PolicyRule {
  /** What callers are told of it. */
  readonly id: string;
  readonly effect: "allow" | "deny";
  /** What it allows is made once another caller agrees. Only where `effect` is `allow`. */
  readonly approval?: ApprovalTerms | undefined;
  /** All that are given have to match; each list holds patterns, of which one is enough. */
  readonly callers?: CallerPatterns | undefined;
  /** One match of any list is enough. */
  readonly users?: UserPatterns | undefined;
  /** Patterns of account names, for example `default`. */
  readonly accounts?: readonly string[] | undefined;
  /** Patterns of switches, for example `login.*.on`. */
  readonly switches?: readonly string[] | undefined;
  readonly hours?: Hours | undefined;
}

/** The two-person rule. */
export interface ApprovalTerms {
  /** How long another caller has for it. */
  readonly expiresInMinutes: number;
}

export interface CallerPatterns {
  readonly subjects?: readonly string[] | undefined;
  readonly clients?: readonly string[] | undefined;
  readonly issuers?: readonly string[] | undefined;
}

export interface UserPatterns {
  readonly uins?: readonly UinRange[] | undefined;
  readonly names?: readonly string[] | undefined;
  /** Words that stand in the user's remark right after a `#`. */
  readonly tags?: readonly string[] | undefined;
}

/** `other` stands for the methods that a write cannot express and may take away. */
const METHODS = ["phone", "stoken", "wechat", "other"] as const;

export type Protection = "login" | "action";

/** One thing that a change may do: switch one method of one protection on or off. */
export type Switch = `${Protection}.${(typeof METHODS)[number]}.${"on" | "off"}`;

/** Every switch that a change can ask for; other methods cannot be switched on. */
export const SWITCHES: readonly Switch[] = (["login", "action"] as const).flatMap((protection) =>
  METHODS.flatMap((method) =>
    (method === "other" ? (["off"] as const) : (["on", "off"] as const)).map(
      (to) => `${protection}.${method}.${to}` as const,
    ),
  ),
);
