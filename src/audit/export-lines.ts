import { createReadStream } from "node:fs";
import { z } from "zod";
import { hasUtf16Mark, TextEncodingError } from "../utf8.ts";
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

interface Line {
  readonly line: Uint8Array;
  /** Whether a line feed ends it. */
  readonly ended: boolean;
}

const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/**
 * Reads lines as bytes: decoding would hide invalid UTF-8, and readline also splits at other characters.
 * @param skip how many lines to leave out at the beginning.
 */
export async function* linesOf(file: string, skip = 0): AsyncGenerator<Line> {
  let number = 0;
  for await (const line of allLinesOf(file)) if (number++ >= skip) yield line;
}

async function* allLinesOf(file: string): AsyncGenerator<Line> {
  let rest: Buffer[] = [];
  let isFirst = true;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    // Editors may add a byte order mark. PowerShell may rewrite the file as UTF-16.
    if (isFirst && hasUtf16Mark(chunk)) throw new TextEncodingError("is UTF-16; save it as UTF-8");
    let from = isFirst && chunk.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
    isFirst = false;
    for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
      yield { line: Buffer.concat([...rest, chunk.subarray(from, to)]), ended: true };
      rest = [];
      from = to + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) yield { line: Buffer.concat(rest), ended: false };
}

interface Survey {
  readonly count: number;
  readonly firstLine: Uint8Array | undefined;
  /** Undefined if no line feed ends the last line. */
  readonly lastLine: Uint8Array | undefined;
}

/** Reads a file once to find its first and last line after the skipped ones. Keeps one line in memory. */
export async function surveyLines(file: string, skip = 0): Promise<Survey> {
  let count = 0;
  let firstLine: Uint8Array | undefined;
  let last: Line | undefined;
  for await (const line of linesOf(file, skip)) {
    count++;
    firstLine ??= line.line;
    last = line;
  }
  return { count, firstLine, lastLine: last?.ended === true ? last.line : undefined };
}
