import { sql } from "kysely";
import type { PolicyException } from "../auth/policy/policy.ts";
import type { Database } from "../database/database.ts";
import { runRead, textArray } from "../database/statements.ts";
import { type ProtectionState, STRENGTHS, type Strength, UNIVERSAL_METHODS } from "./protections.ts";
import { isExcused, isInState, NEVER_LOGGED_IN } from "./user-filter.ts";

/** The numbers of users of one account by their state in the directory. */
export interface AccountCoverage {
  readonly account: string;
  readonly users: number;
  readonly login: StateCounts;
  readonly action: StateCounts;
  readonly strengths: Readonly<Record<Strength, number>>;
  readonly neverLoggedIn: number;
  /** The users whose protections the gateway does not know. */
  readonly unknown: number;
  /** The users with an exception in the policy, which keeps them out of rollouts. */
  readonly excused: number;
  /** The time of the oldest known protections. */
  readonly oldest: Date | undefined;
}

type StateCounts = Readonly<Record<ProtectionState, number>>;

/** The counts from which the others are computed. */
interface CountedRow {
  readonly account: string;
  readonly users: number;
  /** By strength. */
  readonly strengths: readonly number[];
  /** With and without operation protection. */
  readonly actions: readonly number[];
  readonly neverLoggedIn: number;
  readonly unknown: number;
  readonly excused: number;
  readonly oldest?: Date;
}

/**
 * Returns the counts of each account, in the order of the names. The database groups users by state, with index-only
 * scans (schema/migrations/0027_directory_counts.sql).
 * @throws GatewayError STORE_UNAVAILABLE
 */
export async function countUsers(
  database: Database,
  accounts: readonly string[],
  exceptions: readonly PolicyException[],
): Promise<readonly AccountCoverage[]> {
  const sumOf = (condition: unknown) => sql`coalesce(sum(users) filter (where ${condition}), 0)::integer`;
  const ofStrength = STRENGTHS.map((_, number) =>
    sumOf(
      // If no method is on and CAM did not report all methods, the user is unknown.
      sql`strength = ${sql.lit(number)}${number === 0 ? sql` and login_unreported & ${sql.lit(UNIVERSAL_METHODS)} = 0` : sql``}`,
    ),
  );
  const users = sql`from directory_user u where u.account = n.account and gone_at is null`;
  const excused =
    exceptions.length === 0 ? sql`0` : sql`(select count(*)::integer ${users} and ${isExcused(exceptions)})`;
  const rows = await runRead<CountedRow>(
    database,
    sql`
    select n.account, counted.*, ${excused} as excused,
      (select count(*)::integer ${users} and ${NEVER_LOGGED_IN}) as never_logged_in,
      (select min(protections_as_of) ${users}) as oldest
    from unnest(${textArray(accounts)}) n (account) cross join lateral (
      select ${sumOf(sql`true`)} as users, array[${sql.join(ofStrength)}] as strengths,
        array[${sumOf(isInState("action", "PROTECTED"))}, ${sumOf(isInState("action", "UNPROTECTED"))}] as actions,
        ${sumOf(sql`strength is null`)} as unknown
      from (
        select strength, login_unreported, action_methods, action_unreported, count(*) as users ${users}
        group by strength, login_unreported, action_methods, action_unreported
      ) states
    ) counted
    order by n.account`,
  );
  return rows.map(toCoverage);
}

function toCoverage({ strengths, actions, ...row }: CountedRow): AccountCoverage {
  const { account, users, neverLoggedIn, unknown, excused, oldest } = row;
  const [NONE = 0, SMS = 0, WECHAT_OR_MAIL = 0, TOTP = 0, HARDWARE = 0] = strengths;
  const [PROTECTED = 0, UNPROTECTED = 0] = actions;
  const withLogin = SMS + WECHAT_OR_MAIL + TOTP + HARDWARE;
  const UNKNOWN = users - withLogin - NONE;
  return {
    ...{ account, users, neverLoggedIn, unknown, excused, oldest },
    login: { PROTECTED: withLogin, UNPROTECTED: NONE, UNKNOWN },
    action: { PROTECTED, UNPROTECTED, UNKNOWN: users - PROTECTED - UNPROTECTED },
    strengths: { NONE, SMS, WECHAT_OR_MAIL, TOTP, HARDWARE, UNKNOWN },
  };
}
