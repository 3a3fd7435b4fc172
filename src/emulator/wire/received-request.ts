import type { IncomingMessage } from "node:http";

/** One request exactly as it arrived: nothing is decoded, folded or joined. */
export interface ReceivedRequest {
  method: string;
  /** The request target up to "?". */
  path: string;
  /** The request target after "?", as sent; "" without one. */
  query: string;
  /** In the order and spelling of the wire, duplicates kept. Values are latin1, so each character is one byte. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Empty for a body longer than `BODY_LIMIT_BYTES`; `bodyBytes` still counts all bytes. */
  body: Buffer;
  bodyBytes: number;
  targetBytes: number;
  /** Monotonic time at which the last byte arrived. The rate window counts this time. */
  arrivedAtMs: number;
}

export function headerValues(request: ReceivedRequest, lowerCaseName: string): string[] {
  return request.headers.filter(([name]) => name.toLowerCase() === lowerCaseName).map(([, value]) => value);
}

export function headerValue(request: ReceivedRequest, lowerCaseName: string): string | undefined {
  return headerValues(request, lowerCaseName)[0];
}

/** CAM accepts 10 MB with TC3. Longer bodies are counted and not kept. */
export const BODY_LIMIT_BYTES = 10 * 1024 * 1024;

/** Reads a request to its last byte. Rejects when the client disconnects before that. */
export async function receiveRequest(
  message: IncomingMessage,
  monotonic: () => number,
): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  let bodyBytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bodyBytes += chunk.length;
    if (bodyBytes <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  const target = message.url ?? "/";
  const mark = target.indexOf("?");
  return {
    method: message.method ?? "",
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? "" : target.slice(mark + 1),
    headers: pairUp(message.rawHeaders),
    body: bodyBytes <= BODY_LIMIT_BYTES ? Buffer.concat(chunks) : Buffer.alloc(0),
    bodyBytes,
    targetBytes: Buffer.byteLength(target, "latin1"),
    arrivedAtMs: monotonic(),
  };
}

function pairUp(raw: readonly string[]): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return pairs;
}
