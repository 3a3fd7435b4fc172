import type { Kysely } from "kysely";
import type { Tables } from "../database/database.ts";
import { CHECKPOINTS, type ChainHead, LEGACY } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { type ExportEnd, type ExportHeader, formatRecord } from "./export-lines.ts";
import {
  beginAfterPruned,
  readCheckpoints,
  readHeads,
  readLegacyCheckpoints,
  readPruned,
  readRecords,
  type StoredRecord,
} from "./read-record.ts";

/** The part of the record that an export shows. */
export interface ExportSelection {
  /** The number of a checkpoint. The export begins after the heads that it signed. 0 begins at the start. */
  readonly since: number;
  /** Returns whether to export a record whole. Of the others the export has only digests. Undefined exports all whole. */
  readonly shows: ((record: StoredRecord) => boolean) | undefined;
}

/** The export begins after a checkpoint that the record does not have. */
export class UnknownCheckpointError extends Error {
  override readonly name = "UnknownCheckpointError";
}

/**
 * Exports the sealed records as lines of JSON: a header, the checkpoints, the records of each chain in their order, and
 * the ends of the chains. Does not verify the chains.
 *
 * A record of `legacy` has no digest, so an export with `shows` leaves out all records of that chain.
 *
 * @throws UnknownCheckpointError
 */
export async function* exportRecord(
  db: Kysely<Tables>,
  { since, shows }: ExportSelection = { since: 0, shows: undefined },
): AsyncGenerator<string> {
  const ends = await readHeads(db);
  const legacy = ends.find(({ chain }) => chain === LEGACY);
  const after = since === 0 ? [] : startsAfter(await readCheckpoint(db, since));
  const starts = beginAfterPruned(after, await readPruned(db)).map(({ chain, seq, hash }) => ({
    chain,
    seq,
    hash,
  }));
  const hidesLegacy = shows !== undefined && legacy !== undefined && legacy.seq > 0;
  const begun = hidesLegacy ? [...starts.filter(({ chain }) => chain !== LEGACY), legacy] : starts;
  const header: ExportHeader = { export: 2, legacyEnd: legacy?.hash ?? "", starts: begun };
  yield lineOf(header);
  for await (const { content, publicKey, signature } of readCheckpoints(db, since)) {
    yield lineOf({ content, publicKey, signature });
  }
  const legacySince = begun.find(({ chain }) => chain === LEGACY)?.seq ?? 0;
  for (const { seq, hash, signedAt, publicKey, signature } of await readLegacyCheckpoints(db, legacySince)) {
    yield lineOf({ seq, hash, signedAt, publicKey, signature });
  }
  for (const { chain } of ends) {
    const start = begun.find((each) => each.chain === chain)?.seq ?? 0;
    for await (const record of readRecords(db, chain, start)) {
      yield `${formatRecord(record, shows?.(record) ?? true)}\n`;
    }
  }
  const end: ExportEnd = { ends };
  yield lineOf(end);
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

async function readCheckpoint(db: Kysely<Tables>, number: number): Promise<Checkpoint> {
  for await (const row of readCheckpoints(db, number)) {
    if (row.number > number) break;
    if (row.checkpoint !== undefined) return row.checkpoint;
  }
  throw new UnknownCheckpointError(`The record has no checkpoint ${number}.`);
}

function startsAfter({ number, previousHash, heads }: Checkpoint): readonly ChainHead[] {
  return [{ chain: CHECKPOINTS, seq: number - 1, hash: previousHash }, ...heads.filter(({ seq }) => seq > 0)];
}
