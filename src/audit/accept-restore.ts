import type { KeyObject } from "node:crypto";
import type { Kysely } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database, Tables } from "../database/database.ts";
import { AuditEvents } from "./audit-events.ts";
import { CHECKPOINTS, type ChainHead } from "./chain.ts";
import { type Checkpoint, FIRST_CHECKPOINT, signCheckpoint } from "./checkpoint.ts";
import { storeCheckpoint } from "./checkpointer.ts";
import { atOneMoment, isPruned, readPruned, readRecords } from "./read-record.ts";
import { examineRecord, type SoundRecord } from "./verify-database.ts";

/** The record has a fault that no restore explains, or it changed meanwhile. */
export class RestoreRefusedError extends Error {
  override readonly name = "RestoreRefusedError";
}

/** The places that a restored database lacks. */
export interface RestoredRecord {
  /** The last checkpoint before the missing ones; undefined if the database has none. */
  readonly restored: Checkpoint | undefined;
  /** The highest missing checkpoint. */
  readonly missing: ChainHead;
  /** The places in other chains that the database lacks. */
  readonly lacks: readonly ChainHead[];
  readonly record: SoundRecord;
}

/**
 * Returns the places that are known from outside the database and that it lacks.
 *
 * @returns undefined if it has every checkpoint among them.
 * @throws RestoreRefusedError
 */
export function findMissing(
  database: Database,
  places: readonly ChainHead[],
  trustedKeys: readonly string[],
): Promise<RestoredRecord | undefined> {
  const anchors = places.filter(({ chain }) => chain === CHECKPOINTS);
  return database.withoutTimeLimit((db) =>
    atOneMoment(db, async (moment) => {
      const record = await examineRecord(moment, anchors, trustedKeys);
      if ("problem" in record) {
        throw new RestoreRefusedError(`The record does not verify: ${record.problem.reason}.`);
      }
      const [missing] = record.missing;
      if (missing === undefined) return undefined;
      const lowest = Math.min(...record.missing.map(({ seq }) => seq));
      const restored = record.checkpoints.findLast(({ number }) => number < lowest);
      const pruned = await readPruned(moment);
      const lacks: ChainHead[] = [];
      for (const place of places) {
        if (place.chain === CHECKPOINTS || isPruned(pruned, place)) continue;
        if (!(await hasPlace(moment, place))) lacks.push(place);
      }
      return { restored, missing, lacks, record };
    }),
  );
}

async function hasPlace(db: Kysely<Tables>, { chain, seq, hash }: ChainHead): Promise<boolean> {
  for await (const record of readRecords(db, chain, seq - 1))
    return record.seq === seq && record.hash === hash;
  return false;
}

interface AcceptRestoreOptions {
  readonly places: readonly ChainHead[];
  /** Ed25519. */
  readonly privateKey: KeyObject;
  readonly trustedKeys: readonly string[];
  readonly clock: Clock;
}

/**
 * Seals an event for each place that a restored database lacks, and signs a checkpoint that follows the missing ones
 * and names the last remaining one. Replicas accept it in the place of their anchors, and sign again.
 *
 * @throws RestoreRefusedError
 */
export async function acceptRestore(
  database: Database,
  { missing, restored, lacks }: RestoredRecord,
  { places, privateKey, trustedKeys, clock }: AcceptRestoreOptions,
): Promise<Checkpoint> {
  const restoredTo = restored?.number ?? 0;
  const events = [missing, ...lacks].map(({ chain, seq, hash }) => ({
    kind: "restore_accepted" as const,
    account: /^account:(.*)$/.exec(chain)?.[1],
    details: { chain, to: seq, hash, restoredTo },
  }));
  await new AuditEvents(database).record(events);
  // Examined again, because the signature covers these events and what replicas sealed meanwhile.
  const found = await findMissing(database, places, trustedKeys);
  if (found === undefined)
    throw new RestoreRefusedError("Another command has accepted the database meanwhile.");
  const { heads, checkpoints, bogus } = found.record;
  const last = checkpoints.at(-1);
  const before =
    last !== undefined && last.number >= missing.seq ? last : { number: missing.seq, hash: missing.hash };
  const checkpoint = signCheckpoint(
    {
      ...{ number: before.number + 1, previousHash: before.hash, heads },
      signedAt: new Date(clock.now()).toISOString(),
      restored: { number: restoredTo, hash: restored?.hash ?? FIRST_CHECKPOINT },
    },
    privateKey,
  );
  if (await storeCheckpoint(database, checkpoint, bogus.get(checkpoint.number))) return checkpoint;
  throw new RestoreRefusedError("A replica has signed meanwhile. Run the command again.");
}
