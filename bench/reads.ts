import { sql } from "kysely";
import type { ChangeFilter } from "../src/audit/change-record.ts";
import { changesPage } from "../src/audit/change-store.ts";
import type { Uin } from "../src/contract/index.ts";
import type { Database } from "../src/database/database.ts";
import { migrate } from "../src/database/migrate.ts";
import { openPostgres } from "../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../src/gateway/package-paths.ts";
import { startPostgres } from "../test/support/start-postgres.ts";
import type { Bench } from "./support/bench.ts";

const MOST_BUFFERS = 5_000;
const PAGE = 101;

/**
 * All combinations of filters. Two callers made half of the changes each, in two accounts: each filter alone matches
 * many rows, and some pairs match none.
 */
const FILTERS: Readonly<Record<string, readonly (readonly [string, ChangeFilter])[]>> = {
  account: [
    ["large", { account: "one" }],
    ["other", { account: "two" }],
    ["none", { account: "nowhere" }],
  ],
  caller: [
    ["large", { callerSubject: "portal-one" }],
    ["other", { callerSubject: "portal-two" }],
    ["none", { callerSubject: "nobody" }],
  ],
  status: [
    ["applied", { status: "applied" }],
    ["refused", { status: "refused" }],
    ["unknown", { status: "unknown" }],
    ["awaiting", { status: "awaiting_approval" }],
    ["pending", { status: "pending" }],
  ],
  opUin: [
    ["busy", { opUin: "1000000000007" as Uin }],
    ["none", { opUin: "1" as Uin }],
  ],
  from: [["recent", { from: new Date(Date.UTC(2026, 9, 1)) }]],
  until: [["long ago", { until: new Date(Date.UTC(2025, 0, 8)) }]],
};

export const reads: Bench = {
  name: "reads",
  title:
    "buffers that a page of mfaChanges reads, for every combination of its filters, in a million changes",
  async run({ smoke, print }) {
    const changes = smoke ? 2_000 : 1_000_000;
    const postgres = await startPostgres();
    const database = await openPostgres({ url: postgres.url });
    try {
      await migrate(database, MIGRATIONS_DIR);
      const startedMs = performance.now();
      await database.withoutTimeLimit(async (db) => fill({ ...database, db }, changes));
      print(`${changes} changes made in ${Math.round((performance.now() - startedMs) / 1_000)} s`);
      let worst = { buffers: 0, name: "no filter" };
      let count = 0;
      for (const [name, filter] of combinations()) {
        const buffers = await buffersOf(database, filter);
        count += 1;
        if (buffers > worst.buffers) worst = { buffers, name };
      }
      const verdict = worst.buffers <= MOST_BUFFERS ? "met" : "missed";
      print(
        `${count} combinations, the worst ${worst.buffers} buffers (${worst.name.trim()}); at most ${MOST_BUFFERS}: ${verdict}`,
      );
    } finally {
      await database.close();
      await postgres.stop();
    }
  },
};

function combinations(): readonly (readonly [string, ChangeFilter])[] {
  let all: readonly (readonly [string, ChangeFilter])[] = [["", {}]];
  for (const [field, choices] of Object.entries(FILTERS)) {
    const more = all.flatMap(([name, filter]) =>
      choices.map(([choice, added]) => [`${name}${field} ${choice} `, { ...filter, ...added }] as const),
    );
    all = all.concat(more);
  }
  return all;
}

/** Drops the indexes that are not constraints, and creates them again at the end. */
async function fill({ db }: Pick<Database, "db">, changes: number): Promise<void> {
  const { rows: indexes } = await sql<{ name: string; definition: string }>`
    select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i
    where i.indrelid = 'mfa_change'::regclass
      and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`.execute(db);
  for (const { name } of indexes) await sql.raw(`drop index ${name}`).execute(db);
  await sql.raw("alter table mfa_change set unlogged").execute(db);
  await sql`
    insert into mfa_change (
      id, account, op_uin, caller_subject, gateway_request_id, requested, request_hash, before_image, sent, status,
      replica, created_at, finished_at, expires_at, seq, sealed_content, previous_hash, hash
    )
    select gen_random_uuid(), case when i % 2 = 0 then 'one' else 'two' end,
      (1000000000000 + i % 1000)::text, case when i % 2 = 0 then 'portal-one' else 'portal-two' end,
      gen_random_uuid()::text, '{"login":{"phone":true}}', md5(i::text),
      '{"login":{"phone":false,"stoken":false,"wechat":false},"action":{"phone":false,"stoken":false,"wechat":false}}',
      '{"login":{"phone":true,"stoken":false,"wechat":false}}', s.status, 'replica-1', s.at,
      case when s.status in ('awaiting_approval', 'pending') then null else s.at end,
      case when s.status = 'awaiting_approval' then s.at end,
      case when s.sealed then i end, case when s.sealed then repeat('x', 600) end,
      case when s.sealed then md5(i::text) end, case when s.sealed then md5(i::text) end
    from generate_series(1, ${changes}::integer) i
    cross join lateral (
      select timestamptz '2025-01-01' + i * (interval '690 days' / ${changes}::integer) as at,
        case
          when i % 99991 = 1 then 'unknown' when i % 99991 = 3 then 'awaiting_approval'
          when i % 199999 = 5 then 'pending' when i % 40 = 1 then 'refused' else 'applied'
        end as status
    ) t
    cross join lateral (select t.at, t.status, t.status in ('applied', 'refused') as sealed) s`.execute(db);
  for (const { definition } of indexes) await sql.raw(definition).execute(db);
  await sql`analyze mfa_change`.execute(db);
}

async function buffersOf({ reads: db }: Database, filter: ChangeFilter): Promise<number> {
  const { rows } = await sql<{ "QUERY PLAN": readonly [{ Plan: Record<string, number> }] }>`
    explain (analyze, buffers, format json) ${changesPage(filter, PAGE)}`.execute(db);
  const plan = rows[0]?.["QUERY PLAN"][0].Plan ?? {};
  return (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
}
