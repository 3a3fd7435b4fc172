import type { Kysely } from "kysely";
import { z } from "zod";
import type { Tables } from "../database/database.ts";
import { type ChainPlace, placeShape, type SealedRecord } from "./chain.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { readCheckpoints, readEnd, readRecords } from "./read-record.ts";

/**
 * Exports the sealed records as lines of JSON in the order of the chain. The last line contains the end of the chain.
 * Does not verify the chain.
 *
 * @param since the number of a record. The export begins after it.
 */
export async function* exportRecord(db: Kysely<Tables>, since = 0): AsyncGenerator<string> {
  for await (const record of readRecords(db, since)) yield `${formatRecord(record)}\n`;
  const [end, checkpoints] = [await readEnd(db), await readCheckpoints(db, since)];
  yield `${formatEnd({ since, end, checkpoints })}\n`;
}

/** The last line of an export. */
export interface ExportEnd {
  /** The export begins after this record. With 0 it begins with the first record. */
  readonly since: number;
  /** The end of the chain at the time of the export. */
  readonly end: ChainPlace;
  /** The checkpoints from `since` on, in order. */
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

/** Parses a line as a record. Returns undefined if any byte differs from what `formatRecord` writes. */
export function parseRecord(line: Uint8Array): SealedRecord | undefined {
  return parseExactly(line, recordShape, formatRecord);
}

/** Parses the last line. Returns undefined if any byte differs from what `formatEnd` writes. */
export function parseEnd(line: Uint8Array): ExportEnd | undefined {
  return parseExactly(line, endShape, formatEnd);
}

/**
 * Parses a line, and accepts only the form that `format` writes. JSON can write a value in many ways, and the hash
 * covers only the value. With one valid form, a change of any byte shows.
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
