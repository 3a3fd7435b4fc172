import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/tables.ts";
import { type ChainPlace, GENESIS, type SealedRecord } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** A sealed record, and what its columns say now. */
export interface StoredRecord extends SealedRecord {
  readonly changeId: string;
  /** The content as it would be sealed today; equal to `content` while nobody has touched the columns. */
  readonly current: string;
}

/** Few enough to be in memory at once, whatever a record says. */
const BATCH = 500;

/** Runs work that sees the record as it is at one moment, however long it takes and whatever is recorded meanwhile. */
export function atOneMoment<Result>(
  db: Kysely<Tables>,
  work: (db: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(work);
}

/** The sealed records after `since`, in the order of the chain, up to `until` where that is given. */
export async function* readRecords(
  db: Kysely<Tables>,
  since: number,
  until: number = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<StoredRecord> {
  for (let after = since; ; ) {
    const { rows } = await sql<RecordRow>`
      select id, seq, previous_hash, hash, sealed_content, change_content(c) as current
      from mfa_change c where seq > ${after} and seq <= ${until} order by seq limit ${BATCH}`.execute(db);
    for (const row of rows) yield toStoredRecord(row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = Number(last.seq);
  }
}

/** Where the chain is said to end. Without the row that says so it is said to be empty. */
export async function readEnd(db: Kysely<Tables>): Promise<ChainPlace> {
  const row = await db.selectFrom("audit_chain").select(["seq", "hash"]).executeTakeFirst();
  return row === undefined ? GENESIS : { seq: Number(row.seq), hash: row.hash };
}

/** Checkpoints from a record on, in order. */
export async function readCheckpoints(db: Kysely<Tables>, from: number): Promise<readonly Checkpoint[]> {
  const { rows } = await sql<CheckpointRow>`
    select * from audit_checkpoint where seq >= ${from} order by seq`.execute(db);
  return rows.map(toCheckpoint);
}

/** Checkpoints of these keys from a record on, in order. Their signatures are not looked at. */
export async function readCheckpointsBy(
  db: Kysely<Tables>,
  publicKeys: readonly string[],
  from: number,
): Promise<readonly Checkpoint[]> {
  const { rows } = await sql<CheckpointRow>`
    select * from audit_checkpoint where seq >= ${from} and public_key in (${sql.join(publicKeys)})
    order by seq`.execute(db);
  return rows.map(toCheckpoint);
}

/** The highest checkpoint of these keys that is `valid`, however many others lie above it. */
export async function readLastCheckpoint(
  db: Kysely<Tables>,
  publicKeys: readonly string[],
  valid: (checkpoint: Checkpoint) => boolean,
): Promise<Checkpoint | undefined> {
  for (let skip = 0; ; skip += BATCH) {
    const { rows } = await sql<CheckpointRow>`
      select * from audit_checkpoint where public_key in (${sql.join(publicKeys)})
      order by seq desc, signature limit ${BATCH} offset ${skip}`.execute(db);
    const last = rows.map(toCheckpoint).find(valid);
    if (last !== undefined || rows.length < BATCH) return last;
  }
}

interface RecordRow {
  readonly id: string;
  readonly seq: string;
  readonly previous_hash: string;
  readonly hash: string;
  readonly sealed_content: string;
  readonly current: string;
}

interface CheckpointRow {
  readonly seq: string;
  readonly hash: string;
  readonly signed_at: string;
  readonly public_key: string;
  readonly signature: string;
}

function toStoredRecord(row: RecordRow): StoredRecord {
  return {
    changeId: row.id,
    seq: Number(row.seq),
    previousHash: row.previous_hash,
    hash: row.hash,
    content: row.sealed_content,
    current: row.current,
  };
}

function toCheckpoint(row: CheckpointRow): Checkpoint {
  return {
    seq: Number(row.seq),
    hash: row.hash,
    signedAt: row.signed_at,
    publicKey: row.public_key,
    signature: row.signature,
  };
}
