import { createHash } from "node:crypto";
import { z } from "zod";

/** The previous hash of the first record. */
export const GENESIS_HASH = "0".repeat(64);

/** A place in the chain: the number of a record (0 before the first) and the hash up to it. */
export interface ChainPlace {
  readonly seq: number;
  readonly hash: string;
}

/** The name of the only chain. Anchors name their chain. */
export const RECORD_CHAIN = "record";

/** The form of a place in files and on the command line. */
export const placeShape = z.strictObject({
  seq: z.number().int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A sealed change. `content` is the exact text that was hashed. */
export interface SealedRecord extends ChainPlace {
  readonly previousHash: string;
  readonly content: string;
}

/** The first fault in a chain. */
export interface ChainProblem {
  /** The number of the record; undefined if the fault belongs to no record. */
  readonly seq: number | undefined;
  /** The change in that record, if it can still be read. */
  readonly changeId: string | undefined;
  readonly reason: string;
}

export const GENESIS: ChainPlace = { seq: 0, hash: GENESIS_HASH };

/** Returns the hash of a record. settle_change in schema/migrations computes the same hash. */
export function hashRecord(previousHash: string, content: string): string {
  return createHash("sha256").update(previousHash).update(content).digest("hex");
}

/**
 * Returns the fault of a record that should follow `before`, or undefined. An undefined `before.hash` matches any
 * previous hash: in a part of a chain, only the first record contains the hash before it.
 */
export function findProblem(
  record: SealedRecord,
  before: { readonly seq: number; readonly hash: string | undefined },
): ChainProblem | undefined {
  const seq = before.seq + 1;
  const follows = before.hash === undefined || record.previousHash === before.hash;
  if (record.seq !== seq && (before.hash === undefined || !follows)) {
    const reason = `it is missing or out of its place: record ${record.seq} is there instead`;
    return { seq, changeId: undefined, reason };
  }
  const at = { seq, changeId: changeIdOf(record.content) };
  if (record.seq !== seq) return { ...at, reason: `its number is ${record.seq}` };
  if (!follows)
    return { ...at, reason: "it does not follow the record before it; one of the two was rewritten" };
  if (hashRecord(record.previousHash, record.content) !== record.hash) {
    return { ...at, reason: "its hash does not match its content" };
  }
  return undefined;
}

/** Returns the id of the change in a sealed text, which may be cut short. */
export function changeIdOf(content: string): string | undefined {
  // jsonb puts the shortest key first.
  return /^\{\\?"id\\?": \\?"([0-9a-f-]{36})\\?"/.exec(content)?.[1];
}
