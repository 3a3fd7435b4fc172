import { type RawBuilder, sql } from "kysely";
import type { PolicyException } from "../auth/policy/policy.ts";
import type { Uin } from "../contract/index.ts";
import { textArray } from "../database/statements.ts";
import {
  bitsOf,
  type MfaMethod,
  type ProtectionState,
  STRENGTHS,
  type Strength,
  UNIVERSAL_METHODS,
} from "./protections.ts";

/** The accounts and properties of users. A user must match all properties that are given. */
export interface UserSelection {
  readonly accounts: readonly string[];
  /** Words that name, Uin or remark contain, in any order, upper or lower case. */
  readonly search?: string | undefined;
  readonly login?: ProtectionState | undefined;
  readonly action?: ProtectionState | undefined;
  /** At least one of these methods is on, in either protection. */
  readonly methods?: readonly MfaMethod[] | undefined;
  readonly strength?: readonly Strength[] | undefined;
  readonly hasPhone?: boolean | undefined;
  readonly consoleLogin?: boolean | undefined;
  readonly neverLoggedIn?: boolean | undefined;
  /** No login since then, among users that existed then. */
  readonly inactiveSince?: Date | undefined;
  /** Protections never read, or not since then. */
  readonly staleSince?: Date | undefined;
  readonly opUins?: readonly Uin[] | undefined;
}

/** The strength as a number. Null if it is unknown. */
export const STRENGTH = sql`case when login_methods = 0 and login_unreported & ${sql.lit(UNIVERSAL_METHODS)} > 0 then null else strength end`;

/** Whether one protection of a user is in a state, as `stateOf` decides it. */
export function isInState(protection: "login" | "action", state: ProtectionState): RawBuilder<boolean> {
  const on = sql.ref(`${protection}_methods`);
  const missing = sql`${sql.ref(`${protection}_unreported`)} & ${sql.lit(UNIVERSAL_METHODS)}`;
  if (state === "PROTECTED") return sql`${on} > 0`;
  if (state === "UNPROTECTED") return sql`(${on} = 0 and ${missing} = 0)`;
  return sql`(${on} is null or (${on} = 0 and ${missing} > 0))`;
}

export const NEVER_LOGGED_IN = sql<boolean>`(last_login is null and logins_as_of is not null)`;

/** Returns the SQL condition of a selected row of `directory_user`. Omits users that are gone. */
export function isSelected(selection: UserSelection): RawBuilder<unknown> {
  const { search, login, action, methods, strength, hasPhone, consoleLogin, neverLoggedIn } = selection;
  const { inactiveSince, staleSince, opUins } = selection;
  const conditions = [
    sql`gone_at is null`,
    sql`account = any (${textArray(selection.accounts)})`,
    ...wordsOf(search).map((word) => sql`search like '%' || lower(${word}) || '%'`),
    login && isInState("login", login),
    action && isInState("action", action),
    methods && sql`(login_methods | action_methods) & ${bitsOf(methods)} > 0`,
    strength && sql`coalesce(${STRENGTH}, -1) = any (${`{${strength.map(numberOf).join(",")}}`}::smallint[])`,
    hasPhone !== undefined && sql`has_phone = ${hasPhone}`,
    consoleLogin !== undefined && sql`console_login = ${consoleLogin}`,
    neverLoggedIn !== undefined && (neverLoggedIn ? NEVER_LOGGED_IN : sql`last_login is not null`),
    inactiveSince && isInactive(inactiveSince),
    staleSince &&
      sql`(protections_as_of is null or protections_as_of < ${staleSince.toISOString()}::timestamptz)`,
    opUins && sql`op_uin = any (${textArray(opUins)})`,
  ];
  const given = conditions.filter((condition) => typeof condition === "object");
  return sql.join(given, sql` and `);
}

/** Returns whether a search has words. */
export function hasWords({ search }: UserSelection): boolean {
  return wordsOf(search).length > 0;
}

/**
 * Returns the lowest value of an order that selected users can have, in the form of a cursor. Undefined if the filter
 * does not limit it.
 */
export function firstValue(
  { field, direction }: { readonly field: string; readonly direction: "ASC" | "DESC" },
  { login, strength, inactiveSince, staleSince }: UserSelection,
): string | undefined {
  const strengths = (strength ?? (login && STRENGTHS_OF[login]))?.map(numberOf);
  if (field === "STRENGTH" && strengths)
    return String(direction === "ASC" ? Math.min(...strengths) : Math.max(...strengths));
  if (direction === "ASC") return undefined;
  if (field === "LAST_LOGIN") return inactiveSince && camTime(inactiveSince);
  return field === "PROTECTIONS_AS_OF" && staleSince ? `${staleSince.getTime()}000` : undefined;
}

/** The possible strengths for each state of login protection. */
const STRENGTHS_OF: Readonly<Record<ProtectionState, readonly Strength[]>> = {
  PROTECTED: STRENGTHS.slice(1),
  UNPROTECTED: ["NONE"],
  UNKNOWN: ["UNKNOWN"],
};

/**
 * Returns the SQL condition for rows of `directory_user` with an exception of the policy. It agrees with `exceptionOf`.
 */
export function isExcused(exceptions: readonly PolicyException[]): RawBuilder<unknown> {
  const oneOf = (conditions: readonly RawBuilder<unknown>[]) =>
    conditions.length === 0 ? sql`false` : sql`(${sql.join(conditions, sql` or `)})`;
  const matches = (text: RawBuilder<unknown>, patterns: readonly string[] = []) =>
    patterns.map((pattern) => sql`${text} like ${likeOf(pattern)}`);
  return oneOf(
    exceptions.map(({ users, accounts }) => {
      const uins = users.uins?.map(
        ({ from, to }) => sql`op_uin::numeric between ${String(from)}::numeric and ${String(to)}::numeric`,
      );
      const isUser = oneOf([...(uins ?? []), ...matches(sql`normalize(name)`, users.names)]);
      return accounts === undefined ? isUser : sql`(${isUser} and ${oneOf(matches(sql`account`, accounts))})`;
    }),
  );
}

/** Converts a pattern of the policy, in which `*` matches any characters, to a LIKE pattern. */
function likeOf(pattern: string): string {
  return pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%");
}

function wordsOf(search = ""): readonly string[] {
  return search
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.replace(/[\\%_]/g, "\\$&"));
}

/** Returns a time in CAM's format, which has no zone. The gateway compares CAM's times as UTC. */
function camTime(moment: Date): string {
  return moment.toISOString().slice(0, 19).replace("T", " ");
}

function isInactive(since: Date): RawBuilder<boolean> {
  const text = camTime(since);
  return sql`(last_login < ${text} or (${NEVER_LOGGED_IN} and coalesce(created, '') < ${text}))`;
}

function numberOf(strength: Strength): number {
  return strength === "UNKNOWN" ? -1 : STRENGTHS.indexOf(strength);
}
