import { type Kysely, sql } from "kysely";
import { type Database, DatabaseError, type Tables } from "../database/database.ts";
import { CHECKPOINTS, type ChainHead } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { atOneMoment, type PrunedPlace, readCheckpoints, readPruned } from "./read-record.ts";
import { verifyDatabase } from "./verify-database.ts";
import type { RecordReport } from "./verify-record.ts";

/** The records that a prune removes from one chain: from `from` to `to`. */
interface PrunedPart {
  readonly chain: string;
  readonly from: number;
  readonly to: number;
}

/** The plan of a prune. It removes everything that the checkpoint signed. */
export interface PrunePlan {
  readonly checkpoint: Checkpoint;
  /** The chains that lose records. */
  readonly parts: readonly PrunedPart[];
}

/** The record or the export is not as it was written, or the export lacks a record that the prune would remove. */
export class PruneRefusedError extends Error {
  override readonly name = "PruneRefusedError";
}

/** Refuses a database role that does not own the record. @throws DatabaseError */
export async function requireOwner({ db }: Database): Promise<void> {
  const { rows } = await sql<{ role: string; owner: string; owns: boolean }>`
    select current_user as role, pg_get_userbyid(c.relowner) as owner, pg_has_role(c.relowner, 'USAGE') as owns
    from pg_class c where c.oid = 'mfa_change'::regclass`.execute(db);
  const [{ role, owner, owns } = { role: "", owner: "", owns: false }] = rows;
  if (owns) return;
  throw new DatabaseError(
    `Only the owner of the schema prunes the record: connect as ${owner}, and not as ${role}.`,
  );
}

/**
 * Plans a prune of the records that were sealed before a time. Verifies the whole record first: a record that does not
 * verify is evidence.
 *
 * @param exported The report on an export without faults, verified with `trustedKeys`. It must have all that goes.
 * @returns undefined if nothing was signed before that time, or all of it is pruned already.
 * @throws PruneRefusedError
 */
export async function planPrune(
  database: Database,
  { before, exported, trustedKeys }: PruneRequest,
): Promise<PrunePlan | undefined> {
  const { signed } = exported;
  if (signed === undefined) throw new PruneRefusedError("No checkpoint in the export is signed.");
  if (exported.hidden > 0) throw new PruneRefusedError("The export hides the content of records.");
  const end = { chain: CHECKPOINTS, seq: signed.number, hash: signed.hash };
  return database.withoutTimeLimit((db) =>
    atOneMoment(db, async (moment) => {
      const { problem } = await verifyDatabase(moment, trustedKeys, [end]);
      if (problem !== undefined)
        throw new PruneRefusedError(`The record does not verify: ${problem.reason}.`);
      const checkpoint = await findLastBefore(moment, before);
      if (checkpoint === undefined) return undefined;
      if (checkpoint.number > signed.number) {
        throw new PruneRefusedError(
          `The export ends at checkpoint ${signed.number} of ${signed.signedAt}, and checkpoint ${checkpoint.number} of ` +
            `${checkpoint.signedAt} is before that time too. Export the record again, or give an earlier time.`,
        );
      }
      const parts = findParts(checkpoint.heads, await readPruned(moment));
      for (const part of parts) requireExported(part, exported);
      return parts.length === 0 ? undefined : { checkpoint, parts };
    }),
  );
}

interface PruneRequest {
  readonly before: Date;
  readonly exported: RecordReport;
  readonly trustedKeys: readonly string[];
}

/**
 * Seals the event of a prune, in one transaction. Afterwards `deletePruned` deletes the records.
 * @param exportHash SHA-256 of the export.
 */
export async function sealPrune(
  { db }: Database,
  { number, hash }: PrunePlan["checkpoint"],
  exportHash: string,
): Promise<void> {
  await sql`select seal_prune(${number}, ${hash}, ${exportHash})`.execute(db);
}

/** Small enough that changes never wait long for a batch. */
const BATCH = 1_000;

/** Deletes the records that sealed prunes name, also those of an interrupted prune. Returns how many. */
export function deletePruned(database: Database): Promise<number> {
  return database.withoutTimeLimit(async (db) => {
    for (let total = 0; ; ) {
      const { rows } = await sql<{ deleted: number }>`select delete_pruned(${BATCH}) as deleted`.execute(db);
      const deleted = rows[0]?.deleted ?? 0;
      if (deleted === 0) return total;
      total += deleted;
    }
  });
}

/** Returns the last checkpoint that was signed before a time. The caller has verified all checkpoints. */
async function findLastBefore(db: Kysely<Tables>, before: Date): Promise<Checkpoint | undefined> {
  let last: Checkpoint | undefined;
  for await (const { checkpoint } of readCheckpoints(db, 0)) {
    if (checkpoint === undefined || new Date(checkpoint.signedAt) >= before) break;
    last = checkpoint;
  }
  return last;
}

function findParts(heads: readonly ChainHead[], pruned: readonly PrunedPlace[]): readonly PrunedPart[] {
  return heads
    .map(({ chain, seq }) => ({
      chain,
      from: (pruned.find((place) => place.chain === chain)?.seq ?? 0) + 1,
      to: seq,
    }))
    .filter(({ from, to }) => from <= to);
}

/** The export contains the checkpoint, so its chains reach that far. It may begin too late. */
function requireExported({ chain, from, to }: PrunedPart, { starts }: RecordReport): void {
  const first = (starts.find((start) => start.chain === chain)?.seq ?? 0) + 1;
  if (first <= from) return;
  throw new PruneRefusedError(
    `The export lacks records of ${chain}: it begins at record ${first}, and records ${from} to ${to} would go. ` +
      "Export the record without --since.",
  );
}
