import { createReadStream } from "node:fs";
import { hasUtf16Mark, TextEncodingError } from "../utf8.ts";
import { type ChainPlace, type ChainProblem, changeIdOf, GENESIS_HASH } from "./chain.ts";
import { type ExportEnd, parseEnd, parseRecord } from "./export-record.ts";
import { type ChainReport, ChainVerifier, problemOfNone } from "./verify-chain.ts";

interface VerifyExportOptions {
  readonly file: string;
  /** In the form of `encodePublicKey`; undefined if no key is known. */
  readonly trustedKeys: readonly string[] | undefined;
  /** Places that the chain must contain, known from elsewhere. */
  readonly expected?: readonly ChainPlace[];
}

/**
 * Verifies every byte of an exported file, without a database. Reads the file twice, because its last line contains the
 * number at which it begins. Keeps one line in memory.
 */
export async function verifyExport({
  file,
  trustedKeys,
  expected,
}: VerifyExportOptions): Promise<ChainReport> {
  const { lastLine, isWhole, count, firstLine } = await survey(file);
  const end = lastLine && isWhole ? parseEnd(lastLine) : undefined;
  const since = end?.since ?? guessSince(firstLine);
  const checkpoints = end?.checkpoints ?? [];
  const verifier = new ChainVerifier({ since, checkpoints, trustedKeys, expected });
  let number = 0;
  for await (const { line } of linesOf(file)) {
    number++;
    const isLast = number === count;
    if (isLast && (end !== undefined || !looksLikeRecord(line))) break;
    const record = parseRecord(line);
    if (record === undefined) verifier.fail(damaged(line, verifier.expected));
    else if (number === 1 && begunTooEarly(record, end)) verifier.fail(wrongSince(end));
    else verifier.add(record);
    if (verifier.hasProblem) break;
  }
  if (end === undefined) {
    verifier.fail(
      problemOfNone(
        lastLine
          ? "the last line, which says where the chain ends, is missing or damaged"
          : "the file is empty",
      ),
    );
  }
  return verifier.finish(end?.end ?? { seq: 0, hash: GENESIS_HASH });
}

/** Returns the end of the chain from the last line of an export, or undefined if that line is missing or damaged. */
export async function readExportEnd(file: string): Promise<ChainPlace | undefined> {
  const { lastLine, isWhole } = await survey(file);
  return lastLine && isWhole ? parseEnd(lastLine)?.end : undefined;
}

function begunTooEarly({ seq }: { seq: number }, end: ExportEnd | undefined): end is ExportEnd {
  return end !== undefined && seq <= end.since;
}

function wrongSince({ since }: ExportEnd): ChainProblem {
  return problemOfNone(
    `according to the last line the export begins after record ${since}, but it begins earlier`,
  );
}

function damaged(line: Uint8Array, seq: number): ChainProblem {
  const [, content = ""] = /"content":"(.*)/.exec(Buffer.from(line).toString()) ?? [];
  return { seq, changeId: changeIdOf(content), reason: "its line was altered or damaged" };
}

function looksLikeRecord(line: Uint8Array): boolean {
  return Buffer.from(line).toString("latin1", 0, 7) === '{"seq":';
}

function guessSince(firstLine: Uint8Array | undefined): number {
  const record = firstLine && parseRecord(firstLine);
  return record === undefined ? 0 : record.seq - 1;
}

interface Survey {
  readonly count: number;
  readonly firstLine: Uint8Array | undefined;
  readonly lastLine: Uint8Array | undefined;
  /** Whether the last line ends with a line feed. */
  readonly isWhole: boolean;
}

async function survey(file: string): Promise<Survey> {
  let count = 0;
  let firstLine: Uint8Array | undefined;
  let last: Line | undefined;
  for await (const line of linesOf(file)) {
    count++;
    firstLine ??= line.line;
    last = line;
  }
  return { count, firstLine, lastLine: last?.line, isWhole: last?.ended ?? false };
}

interface Line {
  readonly line: Uint8Array;
  readonly ended: boolean;
}

const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/** Reads lines as bytes: decoding would hide invalid UTF-8, and readline also splits at other characters. */
async function* linesOf(file: string): AsyncGenerator<Line> {
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
