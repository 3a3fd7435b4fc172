import { type Dispatcher, fetch, type Response } from "undici";
import { readUtf8File, utf8Text } from "../utf8.ts";
import { nearMiss, shown } from "./claim-mismatch.ts";
import { isSafeUrl, type KeyPlace } from "./issuer-settings.ts";

/** An issuer that takes longer is taken to be away. */
const TIMEOUT_MS = 5_000;
/** Far above any set of keys. */
const MAX_BYTES = 256 * 1024;

interface LoadJwksOptions {
  readonly timeoutMs?: number;
  /** By which way requests go; straight without it. */
  readonly dispatcher?: Dispatcher | undefined;
}

/** Reads the text of a key set. @throws Error where it is not to be had. */
export async function loadJwks(place: KeyPlace, options: LoadJwksOptions = {}): Promise<string> {
  if ("file" in place) return readUtf8File(place.file);
  const { timeoutMs = TIMEOUT_MS, dispatcher } = options;
  const way: Way = { signal: AbortSignal.timeout(timeoutMs), ...(dispatcher && { dispatcher }) };
  return fetchText("url" in place ? place.url : await discover(place.discoverAt, way), way);
}

interface Way {
  readonly signal: AbortSignal;
  readonly dispatcher?: Dispatcher;
}

async function discover(issuer: string, way: Way): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const description = await fetchText(url, way);
  try {
    return readDiscovery(description, issuer);
  } catch (cause) {
    throw new Error(`${url} does not say where the keys are`, { cause });
  }
}

async function fetchText(url: string, way: Way): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: "application/jwk-set+json, application/json" },
    // Elsewhere may be anywhere: whoever can make the issuer's server redirect must not choose our keys.
    redirect: "error",
    ...way,
  }).catch((error: unknown) => refuseUnreached(url, error));
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status} instead of 200.`);
  }
  const bytes = await readBytes(response).catch((error: unknown) => refuseUnreached(url, error));
  if (bytes === undefined) throw new Error(`${url} answered more than ${MAX_BYTES} bytes.`);
  const text = utf8Text(bytes);
  if (text === undefined) throw new Error(`${url} answered bytes that are not UTF-8.`);
  return text;
}

/** Undefined where it is longer than any set of keys. */
async function readBytes(response: Response): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Without a full stop at its end: a log line puts the cause behind it. */
function refuseUnreached(url: string, error: unknown): never {
  if (error instanceof Error && error.name === "TimeoutError") {
    throw new Error(`${url} did not answer in time`, { cause: error });
  }
  // fetch says no more than that it failed, and what happened in its cause.
  const cause = (error instanceof Error ? error.cause : undefined) ?? error;
  const { code } = cause as NodeJS.ErrnoException;
  throw new Error(`${url} cannot be reached${code === undefined ? "" : ` (${code})`}`, { cause });
}

/**
 * The address of the keys of an issuer, by its description of itself. @throws Error where that is of no use.
 *
 * https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
 */
export function readDiscovery(text: string, issuer: string): string {
  const { issuer: described, jwks_uri: place } = parseObject(text);
  // Section 4.3: whoever is described has to be who was asked.
  if (described !== issuer) {
    const names = `It describes another issuer, ${shown(described)}, than ${issuer}.`;
    throw new Error([names, nearMiss(described, [issuer])].filter(Boolean).join(" "));
  }
  // An issuer elsewhere must not send us to the ports of this machine.
  const isElsewhere = issuer.startsWith("https:");
  if (typeof place === "string" && isSafeUrl(place) && !(isElsewhere && place.startsWith("http:")))
    return place;
  throw new Error("It has no https URL as jwks_uri.");
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What it could not read is quoted by the parser, and is nobody's affair.
  }
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new Error("It is no JSON object.");
}
