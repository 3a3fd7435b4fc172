import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";

/** The error for text that cannot be read. Its message follows the source's name: `is UTF-16; save it as UTF-8`. */
export class TextEncodingError extends Error {
  override readonly name = "TextEncodingError";
}

/** Returns the text without a byte order mark, or undefined if the bytes are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/**
 * Returns the text of a file. Rejects bytes that are not UTF-8. A decoder that replaces them would turn a name in GBK
 * into another name. A rule that denies something to the name in GBK would then match no caller.
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

/** Reads the body of a reply up to a limit. @throws TextEncodingError, or the error of the stream. */
export async function readUtf8Stream(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new TextEncodingError(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const text = utf8Text(Buffer.concat(chunks));
  if (text === undefined) throw new TextEncodingError("bytes that are not UTF-8");
  return text;
}

/** Returns why a file cannot be read, as text that follows the file's name. Contains no part of the file. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof TextEncodingError) return error.message;
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? "unreadable"})`;
}

/** Detects UTF-16 by its byte order mark or a NUL byte. Latin letters in UTF-16 contain NUL; text in UTF-8 does not. */
export function isUtf16(bytes: Uint8Array): boolean {
  return hasUtf16Mark(bytes) || bytes.includes(0);
}

export function hasUtf16Mark([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** Returns the number of the first line with bad bytes. In UTF-8 only a line feed contains the byte 10. */
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
