import { createReadStream } from "node:fs";
import { hasUtf16Mark, TextEncodingError } from "../utf8.ts";

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
