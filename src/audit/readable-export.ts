import { Readable } from "node:stream";
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import { spreadsheetCsv } from "../spreadsheet-csv.ts";

/** The columns of an export for people, in their order. */
const COLUMNS = [
  ...["at", "kind", "account", "opUin", "status", "code", "requested", "reason"],
  ...["callerSubject", "callerClient", "callerIssuer"],
  ...["decision", "decidedAt", "decidedBySubject", "decidedByClient", "decidedByIssuer", "decisionReason"],
  ...[
    "policyRules",
    "camCode",
    "camAction",
    "camRequestId",
    "gatewayRequestId",
    "finishedAt",
    "before",
    "sent",
  ],
  ...["details", "id", "chain", "seq", "hash"],
] as const;

/** A change or an event. Values that it does not have are null. */
type ReadableRow = Readonly<Record<(typeof COLUMNS)[number], unknown>>;

/** The rows that an export for people has. */
interface ReadableFilter {
  /** At or after this time, which is that of the request for a change. */
  readonly from?: Date | undefined;
  /** Before this time. */
  readonly until?: Date | undefined;
  readonly account?: string | undefined;
  readonly opUin?: string | undefined;
  /** The id of one change or event. */
  readonly id?: string | undefined;
}

/** Exports changes and events as one JSON object a line. */
export async function* exportJsonLines(db: Kysely<Tables>, filter: ReadableFilter): AsyncGenerator<string> {
  for await (const row of readRows(db, filter)) yield `${JSON.stringify(row)}\n`;
}

/** Exports changes and events as CSV (RFC 4180) that spreadsheets open without running a formula. */
export function exportCsv(db: Kysely<Tables>, filter: ReadableFilter): AsyncIterable<string> {
  return Readable.from(readRows(db, filter)).compose(spreadsheetCsv(COLUMNS));
}

const BATCH = 500;

/** Reads changes, also those that are not sealed yet, and events. Their ids sort by time. */
async function* readRows(db: Kysely<Tables>, filter: ReadableFilter): AsyncGenerator<ReadableRow> {
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const { rows } = await sql<{ id: string; content: Partial<ReadableRow> }>`
      (
        select c.id, change_content(c)::jsonb || jsonb_build_object(
          'kind', 'change', 'at', iso_time(c.created_at), 'chain', coalesce(c.chain, case when c.seq > 0 then 'legacy' end),
          'seq', coalesce(c.chain_seq, c.seq), 'hash', c.hash
        ) as content
        from mfa_change c
        where ${conditions(filter, after, { at: sql`c.created_at`, opUin: sql`c.op_uin` })}
        order by c.id limit ${BATCH}
      ) union all (
        select c.id, event_content(c)::jsonb || jsonb_build_object(
          'callerSubject', c.subject, 'callerClient', c.client, 'callerIssuer', c.issuer, 'opUin', c.details -> 'opUin',
          'code', c.details -> 'code', 'gatewayRequestId', c.details -> 'gatewayRequestId', 'chain', c.chain,
          'seq', c.chain_seq, 'hash', c.hash
        )
        from audit_event c
        where ${conditions(filter, after, { at: sql`c.at`, opUin: sql`c.details ->> 'opUin'` })}
        order by c.id limit ${BATCH}
      )
      order by id limit ${BATCH}`.execute(db);
    for (const { content } of rows) {
      yield Object.fromEntries(COLUMNS.map((name) => [name, content[name] ?? null])) as ReadableRow;
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

function conditions(
  { from, until, account, opUin, id }: ReadableFilter,
  after: string,
  column: { readonly at: RawBuilder<unknown>; readonly opUin: RawBuilder<unknown> },
): RawBuilder<unknown> {
  const all = [sql`c.id > ${after}`];
  if (from !== undefined) all.push(sql`${column.at} >= ${from}`);
  if (until !== undefined) all.push(sql`${column.at} < ${until}`);
  if (account !== undefined) all.push(sql`c.account = ${account}`);
  if (opUin !== undefined) all.push(sql`${column.opUin} = ${opUin}`);
  if (id !== undefined) all.push(sql`c.id::text = ${id}`);
  return sql.join(all, sql` and `);
}
