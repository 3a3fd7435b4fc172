import { type RawBuilder, sql } from "kysely";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { inMs, NOW, runQuery, runRead, textArray } from "../database/statements.ts";

export interface ScanSettings {
  /** The time from one scan of an account to the next. Undefined: only on request. */
  readonly intervalMs: number | undefined;
  /** The time after which the directory deletes gone users. */
  readonly keepGoneMs: number;
}

/** A scan of an account, with this replica's lease. */
export interface LeasedScan {
  /** The scan reads users that were last read before this time, by the database's clock in epoch milliseconds. */
  readonly cutoffMs: number;
  /** Whether the list of users still has to be read. */
  readonly needsList: boolean;
}

/** The progress of a scan since its last report. */
interface ScanProgress {
  readonly readUsers?: number;
  readonly failedUsers?: readonly Uin[];
  readonly calls?: number;
}

/** Why a scan stopped before its end. */
export interface ScanFault {
  readonly code: string;
  readonly camCode: string | undefined;
  readonly camAction: string | undefined;
}

/** The state of an account's scans, for people. */
export interface ScanState {
  readonly account: string;
  readonly status: "NEVER" | "WAITING" | "RUNNING" | "PAUSED" | "FAILED" | "DONE";
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly dueAt: Date | undefined;
  readonly users: number;
  readonly readUsers: number;
  readonly failedUsers: number;
  readonly calls: number;
  readonly code: string | undefined;
  readonly camCode: string | undefined;
  readonly camAction: string | undefined;
  readonly pausedBy: string | undefined;
}

/** The lease of a scan. Its replica renews it more often. After it ends, another replica continues the scan. */
export const LEASE_MS = 15_000;

/** A century: a scan on request only. */
export const NEVER_MS = 100 * 365 * 86_400_000;
const IS_UNDER_WAY = sql`(started_at is not null and (finished_at is null or finished_at < started_at))`;
/** The time of the second read of a user who differs, which decides whether it is drift. Null for other users. */
const SECOND_READ_AT = sql`(differs_since + interval '61 seconds')`;
/** A lease that ends later than this was taken before the database's clock was set back. */
const IS_LEASED = sql`coalesce(lease_until between ${NOW} and ${NOW} + ${inMs(2 * LEASE_MS)}, false)`;
/**
 * A scan that ended in the future shows that the clock was set back, so the time that was set at its end is wrong too. A
 * time that was set since, such as that after a fault, is right.
 */
const IS_DUE = sql`(due_at <= ${NOW} or ${NOW} < finished_at and finished_at < due_at)`;

/** Stores the state of the scans. All times are by the database's clock. Throws the errors of `runQuery`. */
export class ScanStore {
  readonly #database: Database;
  /** The unique name of this process among those that scan. */
  readonly #owner: string;

  constructor(database: Database, owner: string) {
    this.#database = database;
    this.#owner = owner;
  }

  /**
   * Returns the accounts with a due scan that no replica has a lease of.
   * @param firstMs The time from now until the first scan of a new account.
   */
  async findDue(accounts: readonly string[], firstMs: number): Promise<readonly string[]> {
    const names = textArray(accounts);
    await this.#run(sql`
      insert into directory_scan (account, due_at)
      select n, ${NOW} + ${inMs(firstMs)} from unnest(${names}) n where not exists (select from directory_scan s where s.account = n)
      on conflict do nothing`);
    const rows = await this.#run<{ account: string }>(sql`
      select account from directory_scan
      where account = any (${names}) and ${IS_DUE} and paused_at is null and not ${IS_LEASED}
      order by due_at`);
    return rows.map(({ account }) => account);
  }

  /**
   * Marks the users of removed accounts as gone, and deletes them after `keepGoneMs`. An account is removed when it is
   * none of these and the replica that told its accounts last had no such account either.
   */
  async forgetRemoved(accounts: readonly string[], keepGoneMs: number): Promise<void> {
    await this.#run(sql`
      with removed as (
        select account from directory_scan s
        where not account = any (${textArray(accounts)})
          and not exists (select from noted_account n where n.account = s.account)
      ), erased as (
        delete from directory_user u using removed r
        where u.account = r.account and gone_at < ${NOW} - ${inMs(keepGoneMs)}
      )
      update directory_user u set gone_at = ${NOW} from removed r where u.account = r.account and gone_at is null`);
  }

  /**
   * Takes the lease of a due scan. Continues the scan in progress, or begins one. A new scan does not read users that
   * were read within `freshMs`.
   * @returns undefined if the scan is not due or is paused, or if another replica has its lease.
   */
  async lease(account: string, freshMs: number): Promise<LeasedScan | undefined> {
    const isFresh = sql`coalesce(listed_at > ${NOW} - ${inMs(freshMs)}, false)`;
    const afresh = (value: RawBuilder<unknown>, otherwise: RawBuilder<unknown>) =>
      sql`case when ${IS_UNDER_WAY} then ${otherwise} else ${value} end`;
    const [row] = await this.#run<{ cutoffMs: number; needsList: boolean }>(sql`
      update directory_scan set
        lease_owner = ${this.#owner}, lease_until = ${NOW} + ${inMs(LEASE_MS)},
        started_at = ${afresh(NOW, sql`started_at`)},
        listed_at = ${afresh(sql`case when ${isFresh} then listed_at end`, sql`listed_at`)},
        read_users = ${afresh(sql`0`, sql`read_users`)}, failed_users = ${afresh(sql`0`, sql`failed_users`)},
        calls = ${afresh(sql`0`, sql`calls`)}, code = null, cam_code = null, cam_action = null
      where account = ${account} and ${IS_DUE} and paused_at is null and not ${IS_LEASED}
      returning (extract(epoch from started_at - ${inMs(freshMs)}) * 1000)::double precision as cutoff_ms,
        listed_at is null as needs_list`);
    return row;
  }

  /** Records the list of an account. Returns false if this replica no longer has the lease. */
  async saveListed(account: string, users: number, asOfMs: number): Promise<boolean> {
    return this.#renew(
      account,
      sql`users = ${users}, listed_at = to_timestamp(${asOfMs}::double precision / 1000)`,
    );
  }

  /**
   * Adds progress and renews the lease. Returns false if the scan is paused, or if another replica has the lease.
   */
  async saveProgress(account: string, progress: ScanProgress = {}): Promise<boolean> {
    const { readUsers = 0, failedUsers = [], calls = 0 } = progress;
    if (failedUsers.length > 0) {
      await this.#run(sql`
        update directory_user set failed_at = ${NOW}
        where account = ${account} and op_uin = any (${textArray(failedUsers)})`);
    }
    return this.#renew(
      account,
      sql`read_users = read_users + ${readUsers}, failed_users = failed_users + ${failedUsers.length},
        calls = calls + ${calls}`,
    );
  }

  /**
   * Ends a complete scan, deletes users that have been gone for `keepGoneMs`, and sets the time of the next scan: soon
   * if users differ from the stored state.
   */
  async finish(account: string, nextMs: number, keepGoneMs: number): Promise<void> {
    await this.#run(sql`
      delete from directory_user where account = ${account} and gone_at < ${NOW} - ${inMs(keepGoneMs)}`);
    await this.#run(sql`
      update directory_scan set
        finished_at = greatest(${NOW}, started_at), lease_owner = null, lease_until = null,
        due_at = least(${NOW} + ${inMs(nextMs)}, (
          select min(${SECOND_READ_AT}) from directory_user u
          where u.account = directory_scan.account and gone_at is null and protections_as_of < ${SECOND_READ_AT}
        ))
      where account = ${account} and lease_owner = ${this.#owner}`);
    // Index-only scans need vacuumed rows, and PGlite has no autovacuum.
    if (this.#database.kind === "pglite")
      await this.#database.withoutTimeLimit((db) => sql`vacuum analyze directory_user`.execute(db));
  }

  /** Releases the lease before the end of the scan. After a fault, the scan continues in `retryMs`. */
  async release(account: string, fault?: ScanFault, retryMs = 0): Promise<void> {
    await this.#run(sql`
      update directory_scan set
        lease_owner = null, lease_until = null, due_at = ${NOW} + ${inMs(retryMs)}, code = ${fault?.code ?? null},
        cam_code = ${fault?.camCode ?? null}, cam_action = ${fault?.camAction ?? null}
      where account = ${account} and lease_owner = ${this.#owner}`);
  }

  /** Returns the users whose type and last login the scan still has to read: never read first, then the oldest. */
  async usersWithoutLogin(account: string, cutoffMs: number, limit: number): Promise<readonly Uin[]> {
    const rows = await this.#run<{ opUin: Uin }>(sql`
      select op_uin from directory_user
      where account = ${account} and gone_at is null
        and (logins_as_of is null or logins_as_of < to_timestamp(${cutoffMs}::double precision / 1000))
      order by logins_as_of nulls first, op_uin limit ${limit}`);
    return rows.map(({ opUin }) => opUin);
  }

  /** Marks users as read that CAM omitted from a reply, because CAM has no such users. */
  async markLoginsRead(account: string, uins: readonly Uin[], asOfMs: number): Promise<void> {
    await this.#run(sql`
      update directory_user set logins_as_of = to_timestamp(${asOfMs}::double precision / 1000)
      where account = ${account} and op_uin = any (${textArray(uins)})`);
  }

  /**
   * Returns the users whose protections the scan still has to read: unknown first, then the oldest. Includes users
   * whose last read differed, a minute after that read. Omits users that this scan could not read, and users changed so
   * recently that a read would not count yet.
   */
  async usersToRead(account: string, cutoffMs: number, limit: number): Promise<readonly Uin[]> {
    const rows = await this.#run<{ opUin: Uin }>(sql`
      select op_uin from directory_user u
      where account = ${account} and gone_at is null
        and (protections_as_of is null or protections_as_of < to_timestamp(${cutoffMs}::double precision / 1000)
          or (${SECOND_READ_AT} <= ${NOW} and protections_as_of < ${SECOND_READ_AT}))
        and (failed_at is null
          or failed_at < (select started_at from directory_scan s where s.account = u.account))
        and (trust_reads_from is null or trust_reads_from <= ${NOW})
      order by protections_as_of nulls first, op_uin limit ${limit}`);
    return rows.map(({ opUin }) => opUin);
  }

  /** Makes a scan of the account due now. */
  async request(account: string): Promise<void> {
    await this.#run(sql`
      insert into directory_scan as s (account) values (${account})
      on conflict (account) do update set due_at = least(s.due_at, ${NOW})`);
  }

  /** Stops the scan in progress, if any, and begins no other one before `resume`. */
  async pause(account: string, by: string): Promise<void> {
    await this.#run(sql`
      insert into directory_scan as s (account, paused_at, paused_by) values (${account}, ${NOW}, ${by})
      on conflict (account) do update set paused_at = coalesce(s.paused_at, ${NOW}),
        paused_by = coalesce(s.paused_by, excluded.paused_by)`);
  }

  async resume(account: string): Promise<void> {
    await this.#run(sql`
      update directory_scan set paused_at = null, paused_by = null where account = ${account}`);
  }

  /** Returns the states of accounts, in the order of the names. */
  async states(accounts: readonly string[]): Promise<readonly ScanState[]> {
    const rows = await runRead<ScanState>(
      this.#database,
      sql`
      select n.account,
        case
          when s.paused_at is not null then 'PAUSED'
          when ${IS_LEASED} then 'RUNNING'
          when s.code is not null then 'FAILED'
          when s.account is null or s.started_at is null then 'NEVER'
          when s.due_at <= ${NOW} or ${IS_UNDER_WAY} then 'WAITING'
          else 'DONE'
        end as status,
        s.started_at, case when not ${IS_UNDER_WAY} then s.finished_at end as finished_at, s.due_at,
        coalesce(s.users, 0) as users, coalesce(s.read_users, 0) as read_users,
        coalesce(s.failed_users, 0) as failed_users, coalesce(s.calls, 0) as calls, s.code, s.cam_code, s.cam_action,
        s.paused_by
      from unnest(${textArray(accounts)}) n (account) left join directory_scan s using (account)
      order by n.account`,
    );
    return rows;
  }

  async #renew(account: string, set: RawBuilder<unknown>): Promise<boolean> {
    const [row] = await this.#run<{ isHeld: boolean }>(sql`
      update directory_scan set ${set}, lease_until = ${NOW} + ${inMs(LEASE_MS)}
      where account = ${account} and lease_owner = ${this.#owner}
      returning paused_at is null as is_held`);
    return row?.isHeld === true;
  }

  #run<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    return runQuery(this.#database, query);
  }
}
