import type { Clock } from "../../clock.ts";
import type { ClockSkew } from "../protocol.ts";
import type { Credential, CredentialChain } from "./credential.ts";

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
