import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import { type Dispatcher, fetch } from "undici";
import type { Clock } from "../clock.ts";
import { readUtf8File, readUtf8Stream, TextEncodingError } from "../utf8.ts";
import { nearMiss, printable } from "./claim-mismatch.ts";
import { isSafeUrl, type JwksSource } from "./issuer-settings.ts";

/** After this time the gateway loads the key set again, so that it stops accepting a key that the issuer withdrew. */
const FRESH_MS = 5 * 60_000;
/** The gateway uses an old key set for this time while it cannot load a newer one. */
const STALE_MS = 12 * 60 * 60_000;
/** The shortest time between two loads. It also applies after a failed load and to tokens with unknown key ids. */
const COOLDOWN_MS = 10_000;
const LOAD_TIMEOUT_MS = 5_000;

interface IssuerKeysDeps {
  /** Resolves to the text of the key set. Rejects if the gateway cannot load it. */
  readonly load: (signal: AbortSignal | null | undefined) => Promise<string>;
  readonly clock: Pick<Clock, "monotonic">;
  readonly observer: {
    /** @param isNew Whether the key set differs from the last one. */
    onKeysLoaded(isNew: boolean): void;
    onKeysUnavailable(error: unknown): void;
  };
}

/** The gateway has no usable keys of an issuer, so it can neither accept nor reject the issuer's tokens. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
  /** The time until the next attempt to load them. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super("The issuer's keys cannot be loaded.");
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * The public keys of one issuer. Loads them on first use. Loads them again when they are older than FRESH_MS, or when a
 * token names an unknown key. While a load fails, the gateway uses the old keys for at most STALE_MS.
 *
 * jose loads, parses and holds the key set. Its own reloads are off, because jose measures age by the wall clock, and
 * its cooldown does not cover failed loads.
 */
export class IssuerKeys {
  readonly #deps: IssuerKeysDeps;
  readonly #jwks: ReturnType<typeof createRemoteJWKSet>;
  #answer: string | undefined;
  /** The text of the key set that jose holds. */
  #text: string | undefined;
  #loadedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  #hasLastLoadFailed = false;

  constructor(deps: IssuerKeysDeps) {
    this.#deps = deps;
    // jose requires a URL but does not use it. `load` finds the real one, which discovery may change.
    this.#jwks = createRemoteJWKSet(new URL("jwks:"), {
      timeoutDuration: LOAD_TIMEOUT_MS,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: Number.POSITIVE_INFINITY,
      [customFetch]: async (_url, { signal }) => {
        this.#answer = await deps.load(signal);
        return new Response(this.#answer);
      },
    });
  }

  /** The text of the key set in use, or undefined without one. Starts a reload in the background if it is too old. */
  get current(): string | undefined {
    const ageMs = this.#deps.clock.monotonic() - this.#loadedAtMs;
    if (ageMs > FRESH_MS) void this.#reload();
    return ageMs > STALE_MS ? undefined : this.#text;
  }

  /** Resolves to the text of the key set in use. @throws KeysUnavailable */
  async ready(): Promise<string> {
    if (this.current === undefined) await this.#reload();
    const text = this.current;
    if (text === undefined) throw this.#unavailable();
    return text;
  }

  /**
   * Finds the key that a token names. Reloads the key set for an unknown key, because the issuer may have a new one.
   * @throws KeysUnavailable if that reload fails, and jose's errors.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const before = await this.ready();
    try {
      return await this.#jwks(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#reload();
      if (this.#hasLastLoadFailed && (await this.ready()) === before) throw this.#unavailable();
      return this.#jwks(header, token);
    }
  };

  #unavailable(): KeysUnavailable {
    const sinceMs = this.#deps.clock.monotonic() - this.#triedAtMs;
    return new KeysUnavailable(Math.max(0, COOLDOWN_MS - sinceMs));
  }

  /** Joins a load in progress, or starts one unless the last load is too recent. */
  async #reload(): Promise<void> {
    const nowMs = this.#deps.clock.monotonic();
    if (this.#loading === undefined && nowMs - this.#triedAtMs >= COOLDOWN_MS) {
      this.#triedAtMs = nowMs;
      this.#loading = this.#load().finally(() => {
        this.#loading = undefined;
      });
    }
    await this.#loading;
  }

  async #load(): Promise<void> {
    const { clock, observer } = this.#deps;
    try {
      await this.#jwks.reload();
      this.#hasLastLoadFailed = false;
      this.#loadedAtMs = clock.monotonic();
      const isNew = this.#answer !== this.#text;
      this.#text = this.#answer;
      observer.onKeysLoaded(isNew);
    } catch (error) {
      this.#hasLastLoadFailed = true;
      observer.onKeysUnavailable(error);
    }
  }
}

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
