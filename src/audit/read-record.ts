import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import { fromRow } from "../database/statements.ts";
import { type ChainHead, GATEWAY_CHAIN, LEGACY, type SealedRecord } from "./chain.ts";
import {
  type Checkpoint,
  type LegacyCheckpoint,
  parseCheckpoint,
  type StoredCheckpoint,
} from "./checkpoint.ts";
import type { ChainStart } from "./verify-chain.ts";

/** A sealed record with the current content of its columns. */
export interface StoredRecord extends SealedRecord {
  readonly id: string;
  readonly content: string;
  /** The content of the columns, in the form in which it would be sealed. Equal to `content` unless altered. */
  readonly current: string;
}

/** The number of rows in a read. Small enough for memory, even if the records are large. */
const BATCH = 500;

/** Runs work on one snapshot of the record. Changes during the work do not show in it. */
export function atOneMoment<Result>(
  db: Kysely<Tables>,
  work: (db: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(work);
}

/** Reads the sealed records of a chain after `since`, in the order of the chain. */
export async function* readRecords(
  db: Kysely<Tables>,
  chain: string,
  since: number,
): AsyncGenerator<StoredRecord> {
  const [place, ofChain] =
    chain === LEGACY ? [sql.ref("seq"), sql`true`] : [sql.ref("chain_seq"), sql`chain = ${chain}`];
  const [table, current] =
    chain === GATEWAY_CHAIN
      ? [sql`audit_event`, sql`event_content(c)`]
      : [sql`mfa_change`, sql`change_content(c)`];
  for (let after = since; ; ) {
    const rows = await read<Omit<StoredRecord, "chain" | "digest">>(
      db,
      sql`select id, ${place} as seq, previous_hash, hash, sealed_content as content, ${current} as current
        from ${table} c where ${ofChain} and ${place} > ${after} order by ${place} limit ${BATCH}`,
    );
    for (const row of rows) yield { ...row, chain, digest: undefined, seq: Number(row.seq) };
    const last = rows.at(-1);
    if (last === undefined) return;
    after = Number(last.seq);
  }
}

/** Reads the ends of all chains, with `legacy` first. */
export async function readHeads(db: Kysely<Tables>): Promise<readonly ChainHead[]> {
  const heads = await read<ChainHead>(
    db,
    sql`select chain, seq, hash from record_chain order by chain <> ${LEGACY}, chain collate "C"`,
  );
  return heads.map(({ chain, seq, hash }) => ({ chain, seq: Number(seq), hash }));
}

/** A checkpoint as the database has it. `checkpoint` is undefined if its columns do not fit together. */
export interface CheckpointRow extends StoredCheckpoint {
  readonly number: number;
  readonly checkpoint: Checkpoint | undefined;
}

/** Reads the checkpoints from a number on, in order, without checking their signatures. */
export async function* readCheckpoints(db: Kysely<Tables>, from: number): AsyncGenerator<CheckpointRow> {
  let last = { number: from, publicKey: "", signature: "" };
  for (;;) {
    const { number, publicKey, signature } = last;
    const rows = await read<StoredCheckpoint & { number: number | string; hash: string }>(
      db,
      sql`select number, content, hash, public_key, signature from record_checkpoint
        where (number, public_key, signature) > (${number}, ${publicKey}, ${signature})
        order by number, public_key, signature limit ${BATCH}`,
    );
    for (const row of rows) {
      const parsed = parseCheckpoint(row);
      const isWhole = parsed?.hash === row.hash && parsed.number === Number(row.number);
      yield { ...row, number: Number(row.number), checkpoint: isWhole ? parsed : undefined };
    }
    const final = rows.at(-1);
    if (final === undefined) return;
    last = { ...final, number: Number(final.number) };
  }
}

/** Returns the highest checkpoint that is `valid`. Skips any number of invalid checkpoints above it. */
export async function readLastCheckpoint(
  db: Kysely<Tables>,
  valid: (checkpoint: Checkpoint) => boolean,
): Promise<Checkpoint | undefined> {
  for (let skip = 0; ; skip += BATCH) {
    const rows = await read<StoredCheckpoint>(
      db,
      sql`select content, public_key, signature from record_checkpoint
        order by number desc, public_key, signature limit ${BATCH} offset ${skip}`,
    );
    const last = rows.map(parseCheckpoint).find((each) => each !== undefined && valid(each));
    if (last !== undefined || rows.length < BATCH) return last;
  }
}

/** Reads the checkpoints of the chain `legacy` from a record on, in order. */
export async function readLegacyCheckpoints(
  db: Kysely<Tables>,
  from: number,
): Promise<readonly LegacyCheckpoint[]> {
  const rows = await read<LegacyCheckpoint>(
    db,
    sql`select * from audit_checkpoint where seq >= ${from} order by seq`,
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

/** Runs a query. PostgreSQL's driver returns a bigint as text. */
async function read<Value>(db: Kysely<Tables>, query: RawBuilder<unknown>): Promise<Value[]> {
  const { rows } = await query.execute(db);
  return rows.map((row) => fromRow<Value>(row));
}

/** The last record of a chain that `audit prune` removed, according to the last sealed event about it. */
export interface PrunedPlace extends ChainHead {
  /** The number of the checkpoint that names the place. */
  readonly checkpoint: number;
}

/** Reads the places after which the chains begin since the last prune. */
export async function readPruned(db: Kysely<Tables>): Promise<readonly PrunedPlace[]> {
  const { rows } = await sql`select * from pruned_chains()`.execute(db);
  return rows
    .map((row) => fromRow<PrunedPlace>(row))
    .map(({ chain, seq, hash, checkpoint }) => ({
      ...{ chain, seq: Number(seq), hash },
      checkpoint: Number(checkpoint),
    }));
}

/** Returns whether a place is pruned, so that the record cannot be compared with it any more. */
export function isPruned(pruned: readonly PrunedPlace[], { chain, seq }: Omit<ChainHead, "hash">): boolean {
  return pruned.some((place) => place.chain === chain && seq < place.seq);
}

/** Returns the starts of the chains, with those that are pruned beyond their start replaced. */
export function beginAfterPruned<Start extends ChainStart>(
  starts: readonly Start[],
  pruned: readonly PrunedPlace[],
): readonly (Start | PrunedPlace)[] {
  const later = pruned.filter(
    ({ chain, seq }) => (starts.find((start) => start.chain === chain)?.seq ?? 0) < seq,
  );
  return [...starts.filter(({ chain }) => later.every((each) => each.chain !== chain)), ...later];
}
