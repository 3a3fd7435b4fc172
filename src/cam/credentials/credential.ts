import { z } from "zod";
import type { Clock, ClockSkew } from "../../clock.ts";
import { Secret } from "../../secret.ts";

/** A Tencent Cloud API key. `secretId` is not secret, and every request contains it. */
export interface Credential {
  readonly secretId: string;
  readonly secretKey: Secret;
  /** The value of X-TC-Token. Only temporary (STS) keys have one. */
  readonly token?: Secret;
  /** The expiry time of a temporary key by CAM's clock, in milliseconds since the epoch. Undefined if unknown. */
  readonly expiresAtMs?: number;
  /**
   * The role of a temporary key. The quota counts calls by the role, because its keys change and differ between
   * replicas. Without a role, the quota counts by `secretId`.
   */
  readonly role?: string;
}

/** A source of keys. */
export interface CredentialProvider {
  /** The name of the source in logs and errors, for example `environment` or `profile "default"`. */
  readonly name: string;
  /**
   * Resolves to the credential, or to undefined if the source has none.
   * @throws CredentialError if the source exists but the gateway cannot use its key.
   */
  load(): Promise<Credential | undefined>;
}

/**
 * The gateway has no usable key: a source is broken, or no source of a chain has one. The message contains no secret.
 */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

/** Providers in order of precedence. */
export interface CredentialChain {
  readonly name: string;
  /** Resolves to the credential. @throws CredentialError if no provider has one, or a provider is broken. */
  load(): Promise<Credential>;
}

/**
 * Creates a chain that returns the first credential of the providers. A broken provider ends the search, because the
 * next provider may have a key that the operator did not choose.
 */
export function createProviderChain(providers: readonly CredentialProvider[]): CredentialChain {
  return {
    name: providers.map((provider) => provider.name).join(", "),
    async load(): Promise<Credential> {
      for (const provider of providers) {
        const credential = await provider.load();
        if (credential !== undefined) return credential;
      }
      const tried = providers.map((provider) => provider.name).join(", ") || "none configured";
      throw new CredentialError(`No credential for CAM was found; looked in: ${tried}.`);
    },
  };
}

const text = z.string().min(1);

const credentialsSchema = z.object({ TmpSecretId: text, TmpSecretKey: text, Token: text });

/** Unix seconds. */
const expiredTime = z.union([z.number(), z.bigint()]).transform(Number);

const replySchema = z.object({ Credentials: credentialsSchema, ExpiredTime: expiredTime });

/** Parses the reply of STS to AssumeRole and AssumeRoleWithWebIdentity. */
export function parseStsCredentials(response: unknown): Credential {
  const { Credentials, ExpiredTime } = replySchema.parse(response);
  return temporaryCredential(Credentials, ExpiredTime);
}

const metadataSchema = credentialsSchema.extend({ ExpiredTime: expiredTime, Code: z.literal("Success") });

/** Parses the reply of an instance's metadata service. All its fields are in one object. */
export function parseMetadataCredentials(answer: unknown): Credential {
  const { ExpiredTime, ...keys } = metadataSchema.parse(answer);
  return temporaryCredential(keys, ExpiredTime);
}

function temporaryCredential(
  { TmpSecretId, TmpSecretKey, Token }: z.output<typeof credentialsSchema>,
  expiredTimeS: number,
): Credential {
  return {
    secretId: TmpSecretId,
    secretKey: new Secret(TmpSecretKey),
    token: new Secret(Token),
    expiresAtMs: expiredTimeS * 1000,
  };
}

/** Receives changes of the key. */
export interface CredentialObserver {
  /** Called with the first key, and with each different one. */
  onLoaded(loaded: Credential): void;
  /** Called when the source fails. The current key stays in use. */
  onRefreshFailed(error: unknown): void;
}

interface CredentialCacheDeps {
  readonly chain: CredentialChain;
  readonly clock: Clock;
  /** CAM's time, which decides whether a temporary key has expired. Default: the gateway's clock. */
  readonly skew?: ClockSkew;
  readonly observer?: CredentialObserver;
}

interface Held {
  readonly credential: Credential;
  /** The time of the next load, in monotonic milliseconds. */
  readonly refreshAtMs: number;
}

/** The shortest time between two replacements of a refused key. Its source may return the same key again. */
const REFUSED_PAUSE_MS = 1_000;

/**
 * A cache of the credential that signs calls. Concurrent calls share one load. Renews a temporary key in the background
 * before it expires, and returns the old key meanwhile. Never caches a failure: the next call without a key loads
 * again.
 */
export class CredentialCache {
  readonly #deps: CredentialCacheDeps;
  #held: Held | undefined;
  #loading: Promise<Credential> | undefined;
  #nextReplacementMs = Number.NEGATIVE_INFINITY;

  constructor(deps: CredentialCacheDeps) {
    this.#deps = deps;
  }

  /** The valid key whose next load is not due. Undefined if `get` may have to wait. */
  get fresh(): Credential | undefined {
    const held = this.#usable();
    return held && this.#deps.clock.monotonic() < held.refreshAtMs ? held.credential : undefined;
  }

  /** Resolves to a valid key. @throws CredentialError if no provider has one. */
  get(): Promise<Credential> {
    const { fresh } = this;
    if (fresh !== undefined) return Promise.resolve(fresh);
    const held = this.#usable();
    if (held === undefined) return this.#load();
    const refreshed = this.#load().catch(() => held.credential);
    // A key without an expiry time comes from a file or variable. Wait for the quick read: the old key may be deleted.
    return held.credential.expiresAtMs === undefined ? refreshed : Promise.resolve(held.credential);
  }

  /** Replaces a key that CAM refused. Resolves to true if the cache now holds another key. Never rejects. */
  async replace(refused: Credential): Promise<boolean> {
    // Loads up to twice, because a load in progress may have begun before an operator replaced the key.
    for (let loads = 0; loads < 2 && this.#held?.credential === refused; loads++) {
      if (this.#loading === undefined && !this.#mayReplaceNow()) return false;
      await this.#load().catch(() => undefined);
    }
    return this.#held !== undefined && this.#held.credential !== refused;
  }

  #mayReplaceNow(): boolean {
    const nowMs = this.#deps.clock.monotonic();
    if (nowMs < this.#nextReplacementMs) return false;
    this.#nextReplacementMs = nowMs + REFUSED_PAUSE_MS;
    return true;
  }

  #load(): Promise<Credential> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadOnce(): Promise<Credential> {
    const { chain, clock, observer } = this.#deps;
    try {
      const loaded = await chain.load();
      const before = this.#held?.credential;
      // An unchanged key keeps its object, because the signer caches derived keys by that object.
      const credential = before !== undefined && isSame(before, loaded) ? before : loaded;
      this.#hold(credential, refreshInMs(this.#leftMs(credential), clock.random()));
      if (credential !== before) observer?.onLoaded(credential);
      return credential;
    } catch (error) {
      const held = this.#usable();
      if (held !== undefined) {
        this.#hold(held.credential, retryInMs(this.#leftMs(held.credential)));
        observer?.onRefreshFailed(error);
      }
      throw error;
    }
  }

  #hold(credential: Credential, refreshInMs: number): void {
    this.#held = { credential, refreshAtMs: this.#deps.clock.monotonic() + refreshInMs };
  }

  #usable(): Held | undefined {
    const held = this.#held;
    return held !== undefined && (this.#leftMs(held.credential) ?? 1) > 0 ? held : undefined;
  }

  #leftMs({ expiresAtMs }: Credential): number | undefined {
    const { skew, clock } = this.#deps;
    return expiresAtMs === undefined ? undefined : expiresAtMs - (skew?.now() ?? clock.now());
  }
}

function isSame(current: Credential, loaded: Credential): boolean {
  return (
    current.secretId === loaded.secretId &&
    current.secretKey.reveal() === loaded.secretKey.reveal() &&
    current.token?.reveal() === loaded.token?.reveal()
  );
}

/** The gateway loads a key without an expiry time again after this time, to find a rotated key. */
const STATIC_KEY_RELOAD_MS = 60_000;

/** The gateway renews a temporary key when this part of its life remains. */
const RENEW_EARLY = 0.2;
/** The gateway renews up to this part earlier, at random, so that replicas do not renew together. */
const JITTER = 0.1;

/** After a failed renewal, the next attempt waits for this part of the key's remaining life. */
const RETRY_PART = 0.1;
/** The shortest time until the next load. */
const MIN_PAUSE_MS = 1_000;

/**
 * Returns the time until the next load, which depends on the key's remaining life. If the source repeats the same key,
 * the loads become more frequent towards the key's end.
 */
export function refreshInMs(leftMs: number | undefined, chance: number): number {
  if (leftMs === undefined) return STATIC_KEY_RELOAD_MS;
  return Math.max(MIN_PAUSE_MS, leftMs * (1 - RENEW_EARLY - JITTER * chance));
}

/** Returns the time until the next attempt after a failed renewal, while the old key is valid. */
export function retryInMs(leftMs: number | undefined): number {
  return Math.max(MIN_PAUSE_MS, (leftMs ?? STATIC_KEY_RELOAD_MS) * RETRY_PART);
}
