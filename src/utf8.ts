import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";

/** A file whose bytes are not text in UTF-8. Its message is a predicate: `is UTF-16; save it as UTF-8`. */
export class TextEncodingError extends Error {
  override readonly name = "TextEncodingError";
}

/** Returns the text without a byte order mark, or undefined where the bytes are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/**
 * Returns the text of a file. A decoder that replaces what it cannot read turns a name in GBK into another name, and a
 * rule that forbids something to that name then forbids it to nobody.
 *
 * @throws TextEncodingError
 */
export function decodeFile(bytes: Uint8Array): string {
  if (isUtf16(bytes)) throw new TextEncodingError("is UTF-16; save it as UTF-8");
  const text = utf8Text(bytes);
  if (text === undefined) {
    throw new TextEncodingError(`is not UTF-8 (line ${firstBadLine(bytes)}); save it as UTF-8`);
  }
  return text;
}

/** Reads a text file. @throws TextEncodingError, or the error of the file system. */
export async function readUtf8File(path: string): Promise<string> {
  return decodeFile(await readFile(path));
}

/** What is wrong with a file that could not be read, to be put behind its name. Repeats nothing of its content. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof TextEncodingError) return error.message;
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`;
}

/** By the byte order mark, or by a NUL, which every Latin letter has in UTF-16 and no text has in UTF-8. */
export function isUtf16(bytes: Uint8Array): boolean {
  return hasUtf16Mark(bytes) || bytes.includes(0);
}

export function hasUtf16Mark([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** No other character of UTF-8 has the byte of a line feed in it. */
function firstBadLine(bytes: Uint8Array): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(10, from);
    const to = end === -1 ? bytes.length : end;
    if (!isUtf8(bytes.subarray(from, to))) return line;
    from = to + 1;
  }
  return line;
}
