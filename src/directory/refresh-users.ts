import { type RawBuilder, sql } from "kysely";
import { MAX_SUB_ACCOUNTS_PER_CALL } from "../cam/index.ts";
import type { CamErrorCode, Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { inMs, NOW, runQuery } from "../database/statements.ts";
import { BulkReads, type BulkReadsDeps, type ScannedAccount } from "./bulk-reads.ts";
import { isSelected, type UserSelection } from "./user-filter.ts";

interface RefreshOptions {
  /** Users read within this time are not read again. */
  readonly freshMs: number;
  readonly signal: AbortSignal;
}

/** The most users in one statement. */
const PAGE = 5_000;

/**
 * Brings the directory up to date for the users of one account that a selection can match: the list of users, their
 * protections, and their last logins if the selection depends on them. Makes no call for data that is fresh.
 *
 * @param selection Its Uins are few enough for one statement.
 * @returns the users whose protections CAM did not return.
 * @throws CamError, GatewayError if CAM or the database is unavailable.
 */
export async function refreshUsers(
  deps: BulkReadsDeps,
  account: ScannedAccount,
  selection: UserSelection,
  { freshMs, signal }: RefreshOptions,
): Promise<ReadonlyMap<Uin, CamErrorCode>> {
  const { database } = deps;
  const reads = new BulkReads(deps, account, { signal });
  if (await isListOld(database, account.name, freshMs)) {
    const { users, asOfMs } = await reads.list();
    await noteList(database, account.name, users, asOfMs);
  }
  // Ignore the filters on protections and logins, because these are to be read first.
  const {
    login: _,
    action: __,
    methods: ___,
    strength: ____,
    neverLoggedIn,
    inactiveSince,
    ...rest
  } = selection;
  const candidates: UserSelection = { ...rest, accounts: [account.name] };
  if (neverLoggedIn !== undefined || inactiveSince !== undefined) {
    for await (const uins of staleUsers(database, candidates, sql.ref("logins_as_of"), freshMs)) {
      for (let at = 0; at < uins.length && !signal.aborted; at += MAX_SUB_ACCOUNTS_PER_CALL) {
        await reads.profiles(uins.slice(at, at + MAX_SUB_ACCOUNTS_PER_CALL));
      }
    }
  }
  const unread = new Map<Uin, CamErrorCode>();
  for await (const uins of staleUsers(database, candidates, sql.ref("protections_as_of"), freshMs)) {
    await reads.protections(uins, async (batch) => {
      for (const { opUin, code } of batch.unread) unread.set(opUin, code);
    });
  }
  signal.throwIfAborted();
  return unread;
}

/**
 * Yields the users whose data is too old, in pages. Omits users changed so recently that a read would not count yet.
 */
async function* staleUsers(
  database: Database,
  candidates: UserSelection,
  asOf: RawBuilder<unknown>,
  freshMs: number,
): AsyncGenerator<readonly Uin[]> {
  for (let after = ""; ; ) {
    const rows = await runQuery<{ opUin: Uin }>(
      database,
      sql`
      select op_uin from directory_user
      where ${isSelected(candidates)} and op_uin > ${after}
        and (${asOf} is null or ${asOf} < ${ago(freshMs)})
        and (trust_reads_from is null or trust_reads_from <= ${NOW})
      order by op_uin limit ${PAGE}`,
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(({ opUin }) => opUin);
    after = last.opUin;
  }
}

async function isListOld(database: Database, account: string, freshMs: number): Promise<boolean> {
  const [row] = await runQuery<{ isFresh: boolean }>(
    database,
    sql`
    select coalesce(max(listed_at) > ${ago(freshMs)}, false) as is_fresh from directory_scan where account = ${account}`,
  );
  return row?.isFresh !== true;
}

async function noteList(database: Database, account: string, users: number, asOfMs: number): Promise<void> {
  await runQuery(
    database,
    sql`
    update directory_scan set
      users = ${users}, listed_at = greatest(listed_at, to_timestamp(${asOfMs}::double precision / 1000))
    where account = ${account}`,
  );
}

function ago(ms: number): RawBuilder<unknown> {
  return sql`(${NOW} - ${inMs(ms)})`;
}
