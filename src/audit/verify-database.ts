import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import { CHECKPOINTS, type ChainHead, type ChainProblem, LEGACY } from "./chain.ts";
import { type Checkpoint, findSignatureFault, type LegacyCheckpoint } from "./checkpoint.ts";
import {
  beginAfterPruned,
  isPruned,
  type PrunedPlace,
  readCheckpoints,
  readHeads,
  readLastCheckpoint,
  readLegacyCheckpoints,
  readPruned,
  readRecords,
  type StoredRecord,
} from "./read-record.ts";
import type { ChainStart, ChainVerifier } from "./verify-chain.ts";
import { type RecordReport, RecordVerifier } from "./verify-record.ts";

/**
 * Verifies the record in the database: the chains, their ends and the checkpoints. Also verifies that the columns equal
 * the sealed content, because queries read the columns.
 */
export async function verifyDatabase(
  db: Kysely<Tables>,
  trustedKeys: readonly string[] | undefined,
  expected: readonly ChainHead[] = [],
): Promise<RecordReport> {
  const heads = await readHeads(db);
  const legacyEnd = heads.find(({ chain }) => chain === LEGACY)?.hash ?? "";
  const pruned = await readPruned(db);
  const starts: ChainStart[] = [];
  for (const place of pruned) starts.push(await findStart(db, place));
  const verifier = new RecordVerifier({
    ...{ legacyEnd, trustedKeys, starts },
    // The records that an interrupted prune has left must lead to the place that it sealed.
    expected: [...expected.filter((place) => !isPruned(pruned, place)), ...pruned],
  });
  for await (const { number, checkpoint } of readCheckpoints(db, Number.MIN_SAFE_INTEGER)) {
    if (checkpoint === undefined)
      verifier.fail(`the stored checkpoint ${number} differs from its signed content`);
    else verifier.addCheckpoint(checkpoint);
  }
  for (const checkpoint of await readLegacyCheckpoints(db, 0)) verifier.addCheckpoint(checkpoint);
  for (const place of pruned) verifier.requireSigned(place);
  for (const { chain } of heads) {
    // Starts at the smallest number, to find forged records before the first.
    for await (const record of readRecords(db, chain, Number.MIN_SAFE_INTEGER)) {
      addStored(verifier, record);
      if (verifier.chain(chain).problem !== undefined) break;
    }
  }
  const { sealed, unsealed } = await countChanges(db);
  const report = verifier.finish(heads);
  if (report.problem === undefined && sealed !== report.records) {
    const reason = `${sealed - report.records} sealed records belong to no chain`;
    return {
      ...report,
      unsealed,
      pruned,
      problem: { chain: undefined, seq: undefined, id: undefined, reason },
    };
  }
  return { ...report, unsealed, pruned };
}

/** Returns where a pruned chain begins: after the pruned place, or earlier if the prune was interrupted. */
async function findStart(db: Kysely<Tables>, { chain, seq, hash }: PrunedPlace): Promise<ChainStart> {
  for await (const first of readRecords(db, chain, Number.MIN_SAFE_INTEGER)) {
    if (first.seq <= seq) return { chain, seq: first.seq - 1, hash: undefined };
    break;
  }
  return { chain, seq, hash };
}

async function countChanges(db: Kysely<Tables>): Promise<{ sealed: number; unsealed: number }> {
  const { rows } = await sql<{ sealed: number; unsealed: number }>`
    select (count(hash) + (select count(*) from audit_event))::integer as sealed,
      (count(*) - count(hash))::integer as unsealed
    from mfa_change`.execute(db);
  return rows[0] ?? { sealed: 0, unsealed: 0 };
}

/** Adds a record to its chain, and compares its columns with the sealed content. */
export function addStored(verifier: RecordVerifier, record: StoredRecord): void {
  verifier.add(record);
  compareColumns(verifier.chain(record.chain), record);
}

function compareColumns(chain: ChainVerifier, record: StoredRecord): void {
  const altered = alteredFields(record);
  if (altered.length === 0) return;
  const reason = `its stored ${altered.join(", ")} differs from the sealed content`;
  chain.fail({ seq: record.seq, id: record.id, reason });
}

/** The values that a later release set in new fields of earlier records. Other new fields are null in them. */
const GIVEN_LATER: Readonly<Record<string, unknown>> = { account: "default" };

/** Returns the fields that differ from the sealed ones. A field newer than the seal must have its initial value. */
function alteredFields({ content, current }: StoredRecord): string[] {
  if (content === current) return [];
  const [sealed, stored] = [fieldsOf(content), fieldsOf(current)];
  const expected: Readonly<Record<string, unknown>> = {
    ...Object.fromEntries(Object.keys(stored).map((name) => [name, GIVEN_LATER[name] ?? null])),
    ...sealed,
  };
  return Object.keys(expected).filter(
    (name) => JSON.stringify(expected[name]) !== JSON.stringify(stored[name]),
  );
}

function fieldsOf(content: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(content) as Record<string, unknown>;
  } catch {
    return { content };
  }
}

/** The result of an examination of the record. */
export type Examination = { readonly problem: ChainProblem } | SoundRecord;

/** A record that follows from its last trusted checkpoint. */
export interface SoundRecord {
  readonly heads: readonly ChainHead[];
  /** The trusted checkpoints that were read, in order. The first one is the base of the examination. */
  readonly checkpoints: readonly Checkpoint[];
  /** Whether the last checkpoint lists these heads. */
  readonly isSigned: boolean;
  /** The signatures of checkpoints that are not trusted, by their number. */
  readonly bogus: ReadonlyMap<number, readonly string[]>;
  /** The anchors that the record lacks, the highest first: a restore or a cut has removed them. */
  readonly missing: readonly ChainHead[];
}

/**
 * Examines the record from its anchors on: the anchors that it contains, every later checkpoint and every later record.
 * Examines all of it if it lacks the anchor. Checkpoints of other keys do not count.
 */
export async function examineRecord(
  db: Kysely<Tables>,
  anchors: readonly ChainHead[],
  trustedKeys: readonly string[],
): Promise<Examination> {
  const heads = await readHeads(db);
  const pruned = await readPruned(db);
  const trusts = (checkpoint: Checkpoint | LegacyCheckpoint) =>
    findSignatureFault(checkpoint, trustedKeys) === undefined;
  const base = await findBase(db, anchors, trusts);
  const known = startsOf(base, anchors);
  const starts = beginAfterPruned(known, pruned);
  const verifier = new RecordVerifier({
    ...{ legacyEnd: heads.find(({ chain }) => chain === LEGACY)?.hash ?? "", starts, trustedKeys },
    expected: anchors.filter((place) => place.chain !== CHECKPOINTS && !isPruned(pruned, place)),
  });
  const checkpoints: Checkpoint[] = [];
  const untrusted: { readonly number: number; readonly signature: string }[] = [];
  for await (const { number, signature, checkpoint } of readCheckpoints(db, base?.number ?? 0)) {
    // The verifier names the key of an anchored checkpoint that is not trusted.
    const counts = checkpoint !== undefined && (checkpoint.hash === base?.hash || trusts(checkpoint));
    if (!counts) {
      untrusted.push({ number, signature });
      continue;
    }
    verifier.addCheckpoint(checkpoint);
    checkpoints.push(checkpoint);
  }
  const legacySince = starts.find(({ chain }) => chain === LEGACY)?.seq ?? 0;
  for (const checkpoint of await readLegacyCheckpoints(db, legacySince)) {
    if (trusts(checkpoint)) verifier.addCheckpoint(checkpoint);
  }
  for (const place of pruned) if (starts.includes(place)) verifier.requireSigned(place);
  for (const { chain } of heads) {
    const since = starts.find((start) => start.chain === chain)?.seq ?? 0;
    for await (const record of readRecords(db, chain, since)) {
      addStored(verifier, record);
      if (verifier.chain(chain).problem !== undefined) break;
    }
  }
  const { problem } = verifier.finish(heads);
  if (problem !== undefined) return { problem };
  const bogus = new Map(
    [...Map.groupBy(untrusted, ({ number }) => number)].map(([number, rows]) => [
      number,
      rows.map(({ signature }) => signature),
    ]),
  );
  const last = checkpoints.at(-1);
  const isSigned = last === undefined ? heads.every(({ seq }) => seq === 0) : isSame(last.heads, heads);
  const missing = verifier.findMissingCheckpoints(anchors.filter(({ chain }) => chain === CHECKPOINTS));
  return { heads, checkpoints, isSigned, bogus, missing };
}

/**
 * Returns the checkpoint after which records are examined. That is the anchor, or the last trusted one before an anchor
 * that the record lacks, or without an anchor the last trusted one.
 */
async function findBase(
  db: Kysely<Tables>,
  anchors: readonly ChainHead[],
  trusts: (checkpoint: Checkpoint) => boolean,
): Promise<Checkpoint | undefined> {
  const places = anchors.filter(({ chain }) => chain === CHECKPOINTS);
  // Anchors of earlier releases name a place in the chain `legacy` alone.
  if (places.length === 0 && anchors.length > 0) return undefined;
  const lowest = Math.min(...places.map(({ seq }) => seq));
  const hashes = new Set(places.map(({ hash }) => hash));
  if (hashes.size > 0) {
    for await (const { checkpoint } of readCheckpoints(db, lowest)) {
      if (checkpoint !== undefined && hashes.has(checkpoint.hash)) return checkpoint;
    }
  }
  return readLastCheckpoint(db, (each) => trusts(each) && each.number < lowest);
}

/** Returns the place before each known one, so that the record at that place is examined too. */
function startsOf(base: Checkpoint | undefined, anchors: readonly ChainHead[]): readonly ChainStart[] {
  const legacy = anchors.filter(({ chain }) => chain === LEGACY);
  const known = Map.groupBy([...(base?.heads ?? []), ...legacy], ({ chain }) => chain);
  const starts = [...known].map(([chain, places]) => {
    const seq = Math.max(0, Math.min(...places.map((place) => place.seq)) - 1);
    return { chain, seq, hash: undefined };
  });
  return base === undefined
    ? starts
    : [{ chain: CHECKPOINTS, seq: base.number - 1, hash: undefined }, ...starts];
}

function isSame(one: readonly ChainHead[], other: readonly ChainHead[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
