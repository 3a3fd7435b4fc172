import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import { type ChainPlace, GENESIS, type SealedRecord } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { fromRow } from "./run-query.ts";

/** A sealed record with the current content of its columns. */
export interface StoredRecord extends SealedRecord {
  readonly changeId: string;
  /** The content of the columns, in the form in which it would be sealed. Equal to `content` unless altered. */
  readonly current: string;
}

/** The number of records in a read. Small enough for memory, even if the records are large. */
const BATCH = 500;

/** Runs work on one snapshot of the record. Changes during the work do not show in it. */
export function atOneMoment<Result>(
  db: Kysely<Tables>,
  work: (db: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(work);
}

/** Reads the sealed records after `since`, in the order of the chain. */
export async function* readRecords(db: Kysely<Tables>, since: number): AsyncGenerator<StoredRecord> {
  for (let after = since; ; ) {
    const records = await read<StoredRecord>(
      db,
      sql`select id as change_id, seq, previous_hash, hash, sealed_content as content, change_content(c) as current
        from mfa_change c where seq > ${after} order by seq limit ${BATCH}`,
    );
    yield* records;
    const last = records.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

/** Returns the end of the chain according to `audit_chain`. Without that row it is the start of an empty chain. */
export async function readEnd(db: Kysely<Tables>): Promise<ChainPlace> {
  const [end] = await read<ChainPlace>(db, sql`select seq, hash from audit_chain`);
  return end ?? GENESIS;
}

/** Reads the checkpoints from a record on, in order. */
export function readCheckpoints(db: Kysely<Tables>, from: number): Promise<readonly Checkpoint[]> {
  return read(db, sql`select * from audit_checkpoint where seq >= ${from} order by seq`);
}

/** Reads the checkpoints of these keys from a record on, in order, without checking their signatures. */
export function readCheckpointsBy(
  db: Kysely<Tables>,
  publicKeys: readonly string[],
  from: number,
): Promise<readonly Checkpoint[]> {
  const keys = sql.join(publicKeys);
  return read(
    db,
    sql`select * from audit_checkpoint where seq >= ${from} and public_key in (${keys}) order by seq`,
  );
}

/** Returns the highest checkpoint of these keys that is `valid`. Skips any number of invalid checkpoints above it. */
export async function readLastCheckpoint(
  db: Kysely<Tables>,
  publicKeys: readonly string[],
  valid: (checkpoint: Checkpoint) => boolean,
): Promise<Checkpoint | undefined> {
  for (let skip = 0; ; skip += BATCH) {
    const found = await read<Checkpoint>(
      db,
      sql`select * from audit_checkpoint where public_key in (${sql.join(publicKeys)})
        order by seq desc, signature limit ${BATCH} offset ${skip}`,
    );
    const last = found.find(valid);
    if (last !== undefined || found.length < BATCH) return last;
  }
}

/** Runs a query. Converts `seq` to a number, because PostgreSQL's driver returns a bigint as text. */
async function read<Value extends { readonly seq: number }>(
  db: Kysely<Tables>,
  query: RawBuilder<unknown>,
): Promise<Value[]> {
  const { rows } = await query.execute(db);
  return rows.map((row) => fromRow<Value>(row)).map((value) => ({ ...value, seq: Number(value.seq) }));
}
