import { type RawBuilder, sql } from "kysely";
import { CHANGE_STATUSES, type ChangeFilter, requireChangeId } from "./change-record.ts";
import type { ChangeRow } from "./to-change-record.ts";

/**
 * Returns the statement of one page of the record, newest first. Takes each status from an index that has its rows in
 * this order, so that a rare status, caller or account costs as little as a common one.
 *
 * The planner cannot know that two callers never change the same accounts, and would walk through one caller's records
 * for the other's. So the conditions fit one index alone (schema/migrations/0005_indexes.sql): appending nothing to a
 * column keeps its other indexes out.
 *
 * @throws RangeError where `after` is no id of a change (`isChangeId`).
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
    // An account's name has no space.
    return [ofStatus, sql`c.caller_subject || ' ' || c.account = ${`${callerSubject} ${account}`}`];
  }
  if (callerSubject !== undefined) return [ofStatus, sql`c.caller_subject = ${callerSubject}`];
  if (account !== undefined) return [ofStatus, sql`c.account = ${account}`];
  return [sql`c.status || '' = s.status`];
}
