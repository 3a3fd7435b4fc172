import { type Kysely, sql } from "kysely";
import { chainStart, hashRecord, LEGACY } from "../../src/audit/chain.ts";
import type { Database, Tables } from "../../src/database/database.ts";

const KEPT = [
  "mfa_change",
  "audit_event",
  "record_chain",
  "record_checkpoint",
  "audit_chain",
  "audit_checkpoint",
];

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

/** Recomputes the seals of all chains of accounts, as the owner of the database could. */
export async function recomputeHashes(db: Kysely<Tables>): Promise<void> {
  const { rows: chains } = await sql<{ chain: string; hash: string }>`
    select chain, hash from record_chain`.execute(db);
  const legacyEnd = chains.find(({ chain }) => chain === LEGACY)?.hash ?? "";
  for (const { chain } of chains.filter((each) => each.chain.startsWith("account:"))) {
    const { rows } = await sql<{ id: string; content: string }>`
      select id, change_content(c) as content from mfa_change c where chain = ${chain} order by chain_seq`.execute(
      db,
    );
    let place = { seq: 0, hash: chainStart(chain, legacyEnd) };
    for (const { id, content } of rows) {
      const previousHash = place.hash;
      place = {
        seq: place.seq + 1,
        hash: hashRecord({ chain, previousHash, content, digest: undefined }) ?? "",
      };
      await sql`
        update mfa_change set chain_seq = ${place.seq}, sealed_content = ${content}, previous_hash = ${previousHash},
          hash = ${place.hash}
        where id = ${id}`.execute(db);
    }
    await sql`update record_chain set seq = ${place.seq}, hash = ${place.hash} where chain = ${chain}`.execute(
      db,
    );
  }
}
