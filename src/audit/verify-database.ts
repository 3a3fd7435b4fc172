import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import { type ChainHead, LEGACY } from "./chain.ts";
import { isPruned, type PrunedPlace, readPruned } from "./pruned-places.ts";
import {
  readCheckpoints,
  readHeads,
  readLegacyCheckpoints,
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
