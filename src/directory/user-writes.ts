import { type RawBuilder, sql } from "kysely";
import type { ListedUser, SafeAuthFlags, SubAccount } from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { runQuery } from "../database/statements.ts";
import { bitsInState } from "./protections.ts";

/** A read of a user's protections. */
export interface ProtectionsRead extends SafeAuthFlags {
  readonly account: string;
  readonly opUin: Uin;
  /** The start of the read, by the database's clock in epoch milliseconds. Never later than the real start. */
  readonly asOfMs: number;
}

/** A read of a user's profile by DescribeSubAccounts. */
interface ProfileRead {
  readonly account: string;
  readonly profile: SubAccount;
  readonly asOfMs: number;
}

/** Returns the database's clock in epoch milliseconds. */
export async function readClock(database: Database): Promise<number> {
  const [row] = await runQuery<{ nowMs: number }>(database, sql`select ${NOW_MS} as now_ms`);
  return Number(row?.nowMs);
}

const NOW_MS = sql`extract(epoch from clock_timestamp()) * 1000`;

/** A user whose protections another program or person has changed. */
export interface DriftedUser {
  readonly account: string;
  readonly opUin: Uin;
}

/**
 * Writes protections that are newer than the stored ones. Ignores a read that began before the end of CAM's consistency
 * window after the gateway's last change of the user (trust_reads_from).
 *
 * @returns the users for whom the database recorded drift because of these reads (schema/migrations/0014_drift.sql).
 */
export async function writeProtections(
  database: Database,
  reads: readonly ProtectionsRead[],
  source: "SCAN" | "READ",
): Promise<readonly DriftedUser[]> {
  const rows = reads.map(({ account, opUin, login, action, asOfMs }) => ({
    account,
    op_uin: opUin,
    login: bitsInState(login, true),
    action: bitsInState(action, true),
    login_gaps: bitsInState(login, undefined),
    action_gaps: bitsInState(action, undefined),
    as_of: asOfMs,
  }));
  return runQuery(
    database,
    sql`
    with written as (insert into directory_user as d (
      account, op_uin, login_methods, action_methods, login_unreported, action_unreported, protections_as_of, source
    )
    select r.account, r.op_uin, r.login, r.action, r.login_gaps, r.action_gaps, to_timestamp(r.as_of / 1000), ${source}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) r (
      account text, op_uin text, login smallint, action smallint, login_gaps smallint, action_gaps smallint,
      as_of double precision
    )
    order by r.account, r.op_uin
    on conflict (account, op_uin) do update set
      login_methods = excluded.login_methods, action_methods = excluded.action_methods,
      login_unreported = excluded.login_unreported, action_unreported = excluded.action_unreported,
      protections_as_of = excluded.protections_as_of, source = excluded.source
    where (d.protections_as_of is null or d.protections_as_of < excluded.protections_as_of)
      and (d.trust_reads_from is null or d.trust_reads_from <= excluded.protections_as_of)
    returning account, op_uin, drifted_at = protections_as_of as is_drift)
    select account, op_uin from written where is_drift`,
  );
}

/** Writes types and last logins that are newer than the stored ones. */
export async function writeProfiles(database: Database, reads: readonly ProfileRead[]): Promise<void> {
  const rows = reads.map(({ account, asOfMs, profile }) => ({
    account,
    op_uin: profile.uin,
    name: storable(profile.name),
    remark: storable(profile.remark),
    user_type: profile.userType,
    created: storable(profile.createTime),
    last_login: storable(profile.lastLoginTime),
    as_of: asOfMs,
  }));
  await runQuery(
    database,
    sql`
    insert into directory_user as d (account, op_uin, name, remark, user_type, created, last_login, logins_as_of)
    select r.account, r.op_uin, r.name, r.remark, r.user_type, r.created, r.last_login, to_timestamp(r.as_of / 1000)
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) r (
      account text, op_uin text, name text, remark text, user_type smallint, created text, last_login text,
      as_of double precision
    )
    order by r.account, r.op_uin
    on conflict (account, op_uin) do update set
      name = coalesce(excluded.name, d.name), remark = excluded.remark, user_type = excluded.user_type,
      created = coalesce(excluded.created, d.created), last_login = excluded.last_login,
      logins_as_of = excluded.logins_as_of
    where d.logins_as_of is null or d.logins_as_of < excluded.logins_as_of`,
  );
}

/**
 * Writes the users of a list. A user that two complete lists in a row lack is marked as gone, unless a newer read shows
 * that the user exists.
 */
export async function writeList(
  database: Database,
  account: string,
  { users, isComplete, asOfMs }: ListRead,
): Promise<void> {
  const asOf = sql`to_timestamp(${asOfMs}::double precision / 1000)`;
  for (let start = 0; start < users.length; start += LIST_BATCH) {
    await runQuery(database, upsertListed(account, users.slice(start, start + LIST_BATCH), asOf));
  }
  if (!isComplete) return;
  await runQuery(
    database,
    sql`
    update directory_user set
      missing = missing + 1, gone_at = case when missing + 1 >= 2 then clock_timestamp() end
    where account = ${account} and gone_at is null
      and greatest(profile_as_of, logins_as_of, protections_as_of, '-infinity') < ${asOf}`,
  );
}

interface ListRead {
  readonly users: readonly ListedUser[];
  readonly isComplete: boolean;
  readonly asOfMs: number;
}

/** The most users in one statement, so that it takes at most a few hundred milliseconds. */
const LIST_BATCH = 1_000;

function upsertListed(account: string, users: readonly ListedUser[], asOf: RawBuilder<unknown>) {
  const rows = users.map((user) => ({
    op_uin: user.uin,
    name: storable(user.name),
    remark: storable(user.remark),
    console_login: user.consoleLogin,
    created: storable(user.createTime),
    has_phone: user.hasPhone,
    has_email: user.hasEmail,
  }));
  return sql`
    insert into directory_user as d (
      account, op_uin, name, remark, console_login, created, has_phone, has_email, profile_as_of
    )
    select ${account}, r.op_uin, r.name, r.remark, r.console_login, r.created, r.has_phone, r.has_email, ${asOf}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) r (
      op_uin text, name text, remark text, console_login boolean, created text, has_phone boolean, has_email boolean
    )
    order by r.op_uin
    on conflict (account, op_uin) do update set
      name = excluded.name, remark = excluded.remark, console_login = excluded.console_login,
      created = coalesce(excluded.created, d.created), has_phone = excluded.has_phone,
      has_email = excluded.has_email, profile_as_of = excluded.profile_as_of, missing = 0, gone_at = null
    where d.profile_as_of is null or d.profile_as_of < excluded.profile_as_of`;
}

/** The length to which the directory cuts texts. The search index limits it. */
const MAX_CHARACTERS = 300;

/**
 * Returns the beginning of a text of CAM, without characters that PostgreSQL cannot store: NUL and unpaired surrogates.
 */
function storable(text: string | undefined): string | undefined {
  return text?.replaceAll("\0", "").slice(0, MAX_CHARACTERS).toWellFormed();
}
