import { createHash } from "node:crypto";
import { z } from "zod";

/** What the first record of all follows. */
export const GENESIS_HASH = "0".repeat(64);

/** A place in the chain: the number of its record, 0 before the first, and the hash up to there. */
export interface ChainPlace {
  readonly seq: number;
  readonly hash: string;
}

/** The name of the one chain that there is. Anchors name the chain that they belong to. */
export const RECORD_CHAIN = "record";

/** A place as files and operators write it. */
export const placeShape = z.strictObject({
  seq: z.number().int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** One sealed change. `content` is the very text that was hashed. */
export interface SealedRecord extends ChainPlace {
  readonly previousHash: string;
  readonly content: string;
}

/** What is wrong with a chain, where it first is. */
export interface ChainProblem {
  /** The record's number; undefined where the problem is no record's. */
  readonly seq: number | undefined;
  /** The change that was recorded there, where that can still be told. */
  readonly changeId: string | undefined;
  readonly reason: string;
}

export const GENESIS: ChainPlace = { seq: 0, hash: GENESIS_HASH };

/** As settle_change in schema/migrations computes it. */
export function hashRecord(previousHash: string, content: string): string {
  return createHash("sha256").update(previousHash).update(content).digest("hex");
}

/**
 * What is wrong with a record that should follow `before`, or undefined. Where only a part of the chain is there,
 * the hash before its first record is not known, and is taken from that record.
 */
export function findProblem(
  record: SealedRecord,
  before: { readonly seq: number; readonly hash: string | undefined },
): ChainProblem | undefined {
  const seq = before.seq + 1;
  const follows = before.hash === undefined || record.previousHash === before.hash;
  if (record.seq !== seq && (before.hash === undefined || !follows)) {
    const reason = `it is missing or out of its place: record ${record.seq} stands there`;
    return { seq, changeId: undefined, reason };
  }
  const at = { seq, changeId: changeIdOf(record.content) };
  if (record.seq !== seq) return { ...at, reason: `its number is ${record.seq}` };
  if (!follows)
    return { ...at, reason: "it does not follow the record before it; one of the two was rewritten" };
  if (hashRecord(record.previousHash, record.content) !== record.hash) {
    return { ...at, reason: "its hash is not that of its content" };
  }
  return undefined;
}

/** The id of the change that a sealed text, or what is left of it, is about. */
export function changeIdOf(content: string): string | undefined {
  // jsonb puts the shortest key first.
  return /^\{\\?"id\\?": \\?"([0-9a-f-]{36})\\?"/.exec(content)?.[1];
}
