import { type Dispatcher, fetch } from "undici";
import { readUtf8File, readUtf8Stream, TextEncodingError } from "../utf8.ts";
import { nearMiss, printable } from "./claim-mismatch.ts";
import { isSafeUrl, type JwksSource } from "./issuer-settings.ts";

/** Far more than any key set has. */
const MAX_BYTES = 256 * 1024;

interface LoadOptions {
  readonly signal?: AbortSignal | null | undefined;
  /** Sends the requests, through a proxy if one is configured. */
  readonly dispatcher?: Dispatcher | undefined;
}

/** Reads the text of a key set from its file or address. @throws Error */
export async function loadJwks(place: JwksSource, options: LoadOptions = {}): Promise<string> {
  if ("file" in place) return readUtf8File(place.file);
  return fetchText("url" in place ? place.url : await discover(place.discoverAt, options), options);
}

async function discover(issuer: string, options: LoadOptions): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const description = await fetchText(url, options);
  try {
    return readDiscovery(description, issuer);
  } catch (cause) {
    throw new Error(`${url} does not name the address of the keys`, { cause });
  }
}

async function fetchText(url: string, { signal, dispatcher }: LoadOptions): Promise<string> {
  try {
    const response = await fetch(url, {
      headers: { accept: "application/jwk-set+json, application/json" },
      // A redirect may lead to any server, which could then choose the keys that the gateway trusts.
      redirect: "error",
      signal: signal ?? null,
      ...(dispatcher && { dispatcher }),
    });
    if (response.status === 200) return await readUtf8Stream(response.body ?? [], MAX_BYTES);
    await response.body?.cancel();
    throw new TextEncodingError(`${response.status} instead of 200`);
  } catch (error) {
    throw explainFetchError(url, error);
  }
}

/** Returns an error that names the URL. A log line appends the cause to a message without a full stop. */
function explainFetchError(url: string, error: unknown): Error {
  if (error instanceof TextEncodingError) return new Error(`${url} answered ${error.message}.`);
  if (error instanceof Error && error.name === "TimeoutError") {
    return new Error(`${url} did not answer in time`, { cause: error });
  }
  // The error of fetch states only that it failed. Its cause has the reason.
  const cause = (error instanceof Error ? error.cause : undefined) ?? error;
  const { code } = cause as NodeJS.ErrnoException;
  return new Error(`${url} cannot be reached${code === undefined ? "" : ` (${code})`}`, { cause });
}

/**
 * Returns the address of an issuer's keys from its discovery document. @throws Error if the document has none.
 *
 * https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
 */
export function readDiscovery(text: string, issuer: string): string {
  const { issuer: described, jwks_uri: place } = parseObject(text);
  // Section 4.3: the document must name the requested issuer.
  if (described !== issuer) {
    const names = `It describes another issuer, ${printable(described)}, than ${issuer}.`;
    throw new Error([names, nearMiss(described, [issuer])].filter(Boolean).join(" "));
  }
  // A remote issuer must not direct the gateway to ports of this machine.
  const isRemote = issuer.startsWith("https:");
  if (typeof place === "string" && isSafeUrl(place) && !(isRemote && place.startsWith("http:"))) return place;
  throw new Error("It has no https URL as jwks_uri.");
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's error quotes the text, which does not belong in a log.
  }
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new Error("It is not a JSON object.");
}
