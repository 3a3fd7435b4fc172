import { readFile } from "node:fs/promises";
import type { KeyPlace } from "./issuer-settings.ts";

/** An issuer that takes longer is taken to be away. */
const TIMEOUT_MS = 5_000;
/** Far above any set of keys. */
const MAX_BYTES = 256 * 1024;

/** Reads the text of a key set. @throws Error where it is not to be had. */
export function loadJwks(place: KeyPlace, timeoutMs = TIMEOUT_MS): Promise<string> {
  return "file" in place ? readFile(place.file, "utf8") : fetchJwks(place.url, timeoutMs);
}

async function fetchJwks(url: string, timeoutMs: number): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: "application/jwk-set+json, application/json" },
    // Elsewhere may be anywhere: whoever can make the issuer's server redirect must not choose our keys.
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status} instead of 200.`);
  }
  return readText(response, url);
}

async function readText(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`${url} answered more than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
