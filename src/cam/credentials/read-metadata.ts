import { get, type IncomingMessage } from "node:http";
import type { Clock } from "../../clock.ts";
import { utf8Text } from "../../utf8.ts";

/** The service is one hop away. Where there is none, as outside Tencent Cloud, nobody should wait long for that. */
const TIMEOUT_MS = 2_000;

/** A key is a few kilobytes. */
const MAX_BYTES = 64 * 1024;

export interface MetadataAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * One GET, plain, bounded in time and size: no proxy, since the address means this very machine; no redirect
 * followed, since keys come from nowhere else; no pool, since it is needed about once in an hour.
 */
export function readMetadata(url: string, clock: Clock): Promise<MetadataAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<MetadataAnswer>();
  const request = get(url, { agent: false }, (response) => {
    readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
  });
  request.on("error", reject);
  const cancel = clock.after(TIMEOUT_MS, () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
  return promise.finally(cancel);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = utf8Text(Buffer.concat(chunks));
  if (text === undefined) throw new Error("an answer that is not UTF-8");
  return text;
}
