import { z } from "zod";
import { type ChainPlace, placeShape, type SealedRecord } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** The last line of an export. */
export interface ExportEnd {
  /** The export begins after this record; 0 with the first. */
  readonly since: number;
  /** Where the chain ended. */
  readonly end: ChainPlace;
  /** Those from `since` on, in order. */
  readonly checkpoints: readonly Checkpoint[];
}

const { seq, hash } = placeShape.shape;

const recordShape = z.strictObject({ seq: seq.positive(), previousHash: hash, hash, content: z.string() });
const endShape = z.strictObject({
  since: seq,
  end: placeShape,
  checkpoints: z.array(
    z.strictObject({ seq, hash, signedAt: z.string(), publicKey: z.string(), signature: z.string() }),
  ),
});

export function formatRecord({ seq, previousHash, hash, content }: SealedRecord): string {
  return JSON.stringify({ seq, previousHash, hash, content });
}

export function formatEnd({ since, end, checkpoints }: ExportEnd): string {
  return JSON.stringify({
    since,
    end: { seq: end.seq, hash: end.hash },
    checkpoints: checkpoints.map(({ seq, hash, signedAt, publicKey, signature }) => ({
      seq,
      hash,
      signedAt,
      publicKey,
      signature,
    })),
  });
}

/** A line as a record, or undefined where any byte of it is not as `formatRecord` writes it. */
export function parseRecord(line: Uint8Array): SealedRecord | undefined {
  return parseExactly(line, recordShape, formatRecord);
}

/** A line as the last one, or undefined where any byte of it is not as `formatEnd` writes it. */
export function parseEnd(line: Uint8Array): ExportEnd | undefined {
  return parseExactly(line, endShape, formatEnd);
}

/**
 * The same value can be written as JSON in many ways, and the hash covers the value. Only the one way in which it
 * is exported counts, so that an export with any byte changed is not taken for the one that was made.
 */
function parseExactly<Value>(
  line: Uint8Array,
  shape: z.ZodType<Value>,
  format: (value: Value) => string,
): Value | undefined {
  try {
    const value = shape.parse(
      JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line)),
    );
    return Buffer.from(format(value)).equals(line) ? value : undefined;
  } catch {
    return undefined;
  }
}
