/**
 * Owns the record of changes: the intent before the write to CAM, the outcome after it, the hash chain, its
 * checkpoints, export and verification. It sends nothing to CAM and decides no change. Read change-record.ts next, then
 * schema/functions.sql.
 */

import { type RawBuilder, sql } from "kysely";
import type { CallerIdentity } from "../auth/caller.ts";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { inTransaction, runQuery, runRead } from "../database/statements.ts";
import type { BulkGuard } from "./caller-pauses.ts";
import {
  type BeforeImageBasis,
  type BeginVerdict,
  CHANGE_STATUSES,
  type ChangeFilter,
  type ChangeIntent,
  type ChangeRecord,
  type ChangeRow,
  type ChangeSettlement,
  isChangeId,
  type OtherWrites,
  type RecentWrite,
  requireChangeId,
  type Settled,
  toChangeRecord,
} from "./change-record.ts";
import { ChangeStatements } from "./change-statements.ts";
import type { RequestMacs } from "./request-macs.ts";

interface ChangeStoreDeps {
  readonly database: Database;
  /** The name of this process in the record. */
  readonly replica: string;
  /** Without it the gateway pauses no caller. */
  readonly guard?: BulkGuard;
  /** Without it no request can be approved. */
  readonly requestMacs?: RequestMacs | undefined;
}

/**
 * The record of changes: the intent before the write to CAM, and the outcome after it. A sealed record is never
 * altered. Only a prune deletes it (prune-record.ts).
 *
 * Every method throws GatewayError STORE_UNAVAILABLE, with the driver's error as its cause, while the store is
 * unavailable. After a lost connection, the statement may still have taken effect. An invalid statement or value is a
 * fault of the gateway. The method then throws the driver's error and records nothing.
 */
export class ChangeStore {
  readonly #deps: ChangeStoreDeps;
  readonly #statements: ChangeStatements;

  constructor(deps: ChangeStoreDeps) {
    this.#deps = deps;
    this.#statements = new ChangeStatements(deps);
  }

  /** Records an intent, or returns the reason why not (see begin_change in schema/functions.sql). */
  begin(intent: ChangeIntent, basis: BeforeImageBasis): Promise<BeginVerdict> {
    if (intent.approvalMs === undefined) return this.#statements.begin(intent, basis);
    // One transaction, because a recorded request without its MAC could never be approved.
    return inTransaction(this.#deps.database, async (on) => {
      const row = await this.#statements.beginOn(on, { intent, basis });
      if (row.id !== undefined) await this.#addMac(on, intent, toChangeRecord(row as ChangeRow));
      return { kind: row.verdict, id: row.changeId };
    });
  }

  /**
   * Adds a MAC over the request as the caller sent it. If the record differs from it, the MAC does not match, and the
   * request cannot be approved.
   */
  async #addMac(database: Database, intent: ChangeIntent, record: ChangeRecord): Promise<void> {
    const { requestMacs } = this.#deps;
    const { id, approval, requestMac } = record;
    if (requestMacs === undefined || approval === undefined || requestMac !== undefined) return;
    const { mac, key } = requestMacs.create({ ...intent, id, expiresAt: approval.expiresAt });
    await runQuery(database, sql`select seal_request(${id}, ${mac}, ${key})`);
  }

  /**
   * Records an outcome, and seals the record if the outcome is final.
   * @returns undefined if the record was already sealed. The record then stays as it is.
   */
  settle(id: string, settlement: ChangeSettlement): Promise<Settled | undefined> {
    return this.#statements.settle(id, settlement);
  }

  /** Returns the writes of a user that a new read may not show yet, in dispatch order. */
  async recentWrites(account: string, opUin: Uin): Promise<readonly RecentWrite[]> {
    const rows = await this.#run<RecentWrite>(sql`
      select change_id, status, before_image as before, sent, finished_at, settle_order, age_ms
      from recent_writes(${account}, ${opUin}, 0)`);
    return rows.map((row) => ({ ...row, settleOrder: Number(row.settleOrder) }));
  }

  /** Returns undefined for an unknown or malformed id. */
  async find(id: string): Promise<ChangeRecord | undefined> {
    if (!isChangeId(id)) return undefined;
    const [row] = await this.#run<ChangeRow>(sql`select * from mfa_change where id = ${id}`);
    return row && toChangeRecord(row);
  }

  /** Returns the caller's latest change under an idempotency key, which expires after a day. */
  async findByIdempotencyKey(
    { subject, issuer }: CallerIdentity,
    key: string,
  ): Promise<ChangeRecord | undefined> {
    const [row] = await this.#run<ChangeRow>(sql`
      select * from mfa_change
      where caller_subject = ${subject} and caller_issuer is not distinct from ${issuer ?? null}
        and idempotency_key = ${key} and created_at > clock_timestamp() - interval '24 hours'
      order by begun desc limit 1`);
    return row && toChangeRecord(row);
  }

  /** Returns the same as `find`, over the connections for reads. */
  async read(id: string): Promise<ChangeRecord | undefined> {
    if (!isChangeId(id)) return undefined;
    const [row] = await this.#read<ChangeRow>(sql`select * from mfa_change where id = ${id}`);
    return row && toChangeRecord(row);
  }

  /**
   * Returns a page of records, newest first. `after` is the id of the last record of the previous page, so that new
   * changes do not shift the pages. @throws RangeError if it is malformed (`isChangeId`).
   */
  async list(filter: ChangeFilter, limit: number, after?: string): Promise<readonly ChangeRecord[]> {
    const rows = await this.#read<ChangeRow>(changesPage(filter, limit, after));
    return rows.map(toChangeRecord);
  }

  /**
   * Claims changes of an account for `leaseMs`: changes that their replica abandoned, changes of unknown outcome whose
   * next read-back is due, and changes whose time for approval is over. No other replica claims them before the lease
   * ends. `limit` bounds the read-backs of one claim. After a claim with read-backs, no replica claims others for
   * `gapMs`.
   */
  async claim(account: string, limit: number, leaseMs: number, gapMs = 0): Promise<readonly ChangeRecord[]> {
    const { replica } = this.#deps;
    const rows = await this.#run<ChangeRow>(
      sql`select * from claim_changes(${account}, ${replica}, ${limit}, ${gapMs}, ${leaseMs})`,
    );
    return rows.map(toChangeRecord);
  }

  /** Returns the number of changes of an account whose outcome is open, without those that await approval. */
  async countOpen(account: string): Promise<number> {
    const [row] = await this.#run<{ changes: number }>(sql`
      select count(*)::integer as changes from mfa_change
      where account = ${account} and lease_until is not null and status <> 'awaiting_approval'`);
    return row?.changes ?? 0;
  }

  /** Settles expired requests for approval in all accounts except `accounts`, as refused. Does not call CAM. */
  async expireApprovals(accounts: readonly string[]): Promise<void> {
    await this.#run(sql`
      select settle_change(c.id, 'refused', null, 'APPROVAL_EXPIRED', null, null, null, 0, 0, false)
      from mfa_change c
      where c.status || '' = 'awaiting_approval' and c.expires_at < clock_timestamp()
        and c.account not in (${sql.join(accounts)})`);
  }

  /** Returns the number of overdue changes of each account that is not in `accounts`. */
  async countOrphaned(accounts: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#run<{ account: string; changes: number }>(sql`
      select account, count(*)::integer as changes from mfa_change
      where seq is null and lease_until < statement_timestamp() and account not in (${sql.join(accounts)})
      group by account order by account`);
    return new Map(rows.map(({ account, changes }) => [account, changes]));
  }

  /**
   * Returns the user's other writes that may explain why a read-back shows the flags of a change. They are the later
   * changes, and the earlier changes during the minute in which CAM may still show the state before a write. It
   * excludes refused changes, because they have written nothing.
   */
  async otherWrites({ id, account, opUin }: ChangeRecord): Promise<OtherWrites> {
    const rows = await this.#run<{ beforeImage: object; sent: object; later: boolean }>(sql`
      select c.before_image, c.sent, coalesce(c.dispatch_order, c.begun) > own.dispatched as later
      from mfa_change c, (
        select coalesce(dispatch_order, begun) as dispatched, greatest(decided_at, created_at) as at
        from mfa_change where id = ${id}
      ) own
      where c.account = ${account} and c.op_uin = ${opUin} and c.id <> ${id} and (
        (coalesce(c.dispatch_order, c.begun) > own.dispatched and c.status in ('pending', 'applied', 'unknown'))
        or (
          coalesce(c.dispatch_order, c.begun) < own.dispatched and c.status in ('applied', 'unknown')
          and c.finished_at > own.at - interval '60 seconds'
          and clock_timestamp() < own.at + interval '60 seconds'
        )
      )`);
    return {
      later: rows.filter(({ later }) => later).map(({ sent }) => sent),
      earlier: rows.filter(({ later }) => !later).flatMap(({ beforeImage, sent }) => [beforeImage, sent]),
    };
  }

  #run<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    return runQuery(this.#deps.database, query);
  }

  #read<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    return runRead(this.#deps.database, query);
  }
}

/**
 * Returns the statement for a page of the record, newest first. It reads each status from an index in that order, so
 * that a rare status, caller or account costs as little as a common one.
 *
 * Each filter is meant for one index (schema/migrations/0005_indexes.sql): an appended empty text hides a column from
 * the planner's other indexes. Otherwise the planner may read all records of a caller to find those of an account.
 *
 * @throws RangeError if `after` is malformed (`isChangeId`).
 */
export function changesPage(filter: ChangeFilter, limit: number, after?: string): RawBuilder<ChangeRow> {
  const { status, from, until } = filter;
  const conditions = matchesOf(filter);
  if (from !== undefined) conditions.push(sql`c.created_at >= ${from}`);
  if (until !== undefined) conditions.push(sql`c.created_at < ${until}`);
  if (after !== undefined) {
    const id = requireChangeId(after);
    const column = (name: "created_at" | "begun") =>
      sql`(select ${sql.ref(name)} from mfa_change where id = ${id})`;
    conditions.push(sql`(c.created_at, c.begun) < (${column("created_at")}, ${column("begun")})`);
  }
  const statuses = status === undefined ? CHANGE_STATUSES : [status];
  return sql`
    select page.* from unnest(${`{${statuses.join(",")}}`}::text[]) s (status)
    cross join lateral (
      select c.* from mfa_change c where ${sql.join(conditions, sql` and `)}
      order by c.created_at desc, c.begun desc limit ${limit}
    ) page
    order by page.created_at desc, page.begun desc limit ${limit}`;
}

function matchesOf({ account, opUin, callerSubject }: ChangeFilter): RawBuilder<unknown>[] {
  const ofStatus = sql`c.status = s.status`;
  if (opUin !== undefined) {
    const matches = [ofStatus, sql`c.op_uin = ${opUin}`];
    if (account !== undefined) matches.push(sql`c.account || '' = ${account}`);
    if (callerSubject !== undefined) matches.push(sql`c.caller_subject || '' = ${callerSubject}`);
    return matches;
  }
  if (callerSubject !== undefined && account !== undefined) {
    // Names of accounts have no spaces.
    return [ofStatus, sql`c.caller_subject || ' ' || c.account = ${`${callerSubject} ${account}`}`];
  }
  if (callerSubject !== undefined) return [ofStatus, sql`c.caller_subject = ${callerSubject}`];
  if (account !== undefined) return [ofStatus, sql`c.account = ${account}`];
  return [sql`c.status || '' = s.status`];
}
