import { type Kysely, sql } from "kysely";
import { GENESIS, hashRecord } from "../../src/audit/chain.ts";
import type { Database, Tables } from "../../src/database/database.ts";

const KEPT = ["mfa_change", "audit_chain", "audit_checkpoint"];

/** Changes the record in spite of its triggers, as the owner of the database could. */
export async function rewriteRecord(
  database: Database,
  work: (db: Kysely<Tables>) => Promise<void>,
): Promise<void> {
  await database.db.transaction().execute(async (trx) => {
    for (const table of KEPT) await sql`alter table ${sql.table(table)} disable trigger user`.execute(trx);
    await work(trx);
    for (const table of KEPT) await sql`alter table ${sql.table(table)} enable trigger user`.execute(trx);
  });
}

/** Recomputes the seal of all records, as the owner of the database could. */
export async function recomputeHashes(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ id: string; content: string; seq: string }>`
    select id, seq, change_content(c) as content from mfa_change c where seq is not null order by seq`.execute(
    db,
  );
  let place = GENESIS;
  for (const { id, content } of rows) {
    const hash = hashRecord(place.hash, content);
    const seq = place.seq + 1;
    await sql`
      update mfa_change set seq = ${seq}, sealed_content = ${content}, previous_hash = ${place.hash}, hash = ${hash}
      where id = ${id}`.execute(db);
    place = { seq, hash };
  }
  await sql`update audit_chain set seq = ${place.seq}, hash = ${place.hash}`.execute(db);
}
