import { z } from "zod";
import { type ChainHead, headShape, placeShape, type SealedRecord, sha256Hex } from "./chain.ts";
import type { LegacyCheckpoint, StoredCheckpoint } from "./checkpoint.ts";

/** The first line of an export. */
export interface ExportHeader {
  readonly export: 2;
  /** The hash at the end of the chain `legacy`, from which the other chains start. */
  readonly legacyEnd: string;
  /** The places after which chains begin in this export, if not at their start. */
  readonly starts: readonly ChainHead[];
}

/** The last line of an export: the ends of all chains at its time. */
export interface ExportEnd {
  readonly ends: readonly ChainHead[];
}

/** A record as an export has it: with its content, or with the digest of the content alone. */
export type ExportedRecord = Omit<SealedRecord, "digest" | "content"> &
  ({ readonly content: string } | { readonly digest: string });

const { seq, hash } = placeShape.shape;
const placed = { chain: z.string(), seq: seq.positive(), previousHash: hash, hash };
const signature = { publicKey: z.string(), signature: z.string() };

const headerShape: z.ZodType<ExportHeader> = z.strictObject({
  export: z.literal(2),
  legacyEnd: hash,
  starts: z.array(headShape),
});
const recordShape: z.ZodType<ExportedRecord> = z.union([
  z.strictObject({ ...placed, content: z.string() }),
  z.strictObject({ ...placed, digest: hash }),
]);
const checkpointShape: z.ZodType<StoredCheckpoint> = z.strictObject({ content: z.string(), ...signature });
const legacyCheckpointShape: z.ZodType<LegacyCheckpoint> = z.strictObject({
  ...{ seq, hash, signedAt: z.string() },
  ...signature,
});
const endShape: z.ZodType<ExportEnd> = z.strictObject({ ends: z.array(headShape) });

/** The forms of the lines. The keys of each are in the order in which they are written. */
export const LINES = {
  header: headerShape,
  checkpoint: checkpointShape,
  legacyCheckpoint: legacyCheckpointShape,
  record: recordShape,
  end: endShape,
} as const;

/** Returns the line of a record. @param shown Whether the line has the content, or only its digest. */
export function formatRecord(record: SealedRecord, shown: boolean): string {
  const { chain, seq: number, previousHash, hash: own, content, digest } = record;
  const place = { chain, seq: number, previousHash, hash: own };
  if (shown && content !== undefined) return JSON.stringify({ ...place, content });
  return JSON.stringify({ ...place, digest: digest ?? sha256Hex(content ?? "") });
}

/**
 * Parses a line. Accepts only what `JSON.stringify` writes, with the keys in the order of the shape. JSON can write a
 * value in many ways, and the hash covers only the value. With one valid form, a change of any byte shows.
 */
export function parseLine<Value>(line: Uint8Array, shape: z.ZodType<Value>): Value | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
    // zod returns the keys in the order of the shape.
    const value = shape.parse(JSON.parse(text));
    return Buffer.from(JSON.stringify(value)).equals(line) ? value : undefined;
  } catch {
    return undefined;
  }
}
