import type { Clock } from "../../clock.ts";
import type { ClockSkew } from "../clock-skew.ts";
import type { Credential, CredentialChain } from "./credential.ts";

/** Reports changes of the key. */
export interface CredentialObserver {
  /** The first key, or a different one. */
  onLoaded(loaded: Credential): void;
  /** The source failed. The current key stays in use. */
  onRefreshFailed(error: unknown): void;
}

interface CredentialCacheDeps {
  readonly chain: CredentialChain;
  readonly clock: Clock;
  /** CAM's time, by which temporary keys expire. Default: the gateway's clock. */
  readonly skew?: ClockSkew;
  readonly observer?: CredentialObserver;
}

interface Held {
  readonly credential: Credential;
  /** Monotonic. */
  readonly refreshAtMs: number;
}

/** The least time between two replacements of a refused key, because its source may give the same key again. */
const REFUSED_PAUSE_MS = 1_000;

/**
 * A cache of the credential that signs calls. Concurrent calls share one load. Renews a temporary key in the background
 * before it expires, and uses it until then. Never caches a failure: the next call without a key loads again.
 */
export class CredentialCache {
  readonly #deps: CredentialCacheDeps;
  #held: Held | undefined;
  #loading: Promise<Credential> | undefined;
  #nextReplacementMs = Number.NEGATIVE_INFINITY;

  constructor(deps: CredentialCacheDeps) {
    this.#deps = deps;
  }

  /** Resolves to a valid key. @throws CredentialError where no provider has one. */
  get(): Promise<Credential> {
    const held = this.#usable();
    if (held === undefined) return this.#load();
    if (this.#deps.clock.monotonic() < held.refreshAtMs) return Promise.resolve(held.credential);
    const refreshed = this.#load().catch(() => held.credential);
    // A key that does not expire comes from a file or variable: a read is quick, and the old key may be deleted.
    return held.credential.expiresAtMs === undefined ? refreshed : Promise.resolve(held.credential);
  }

  /** Replaces a key that CAM refused. Resolves to whether there is another key, and never rejects. */
  async replace(refused: Credential): Promise<boolean> {
    // Twice, because a load in progress may have begun before the key was replaced.
    for (let looks = 0; looks < 2 && this.#held?.credential === refused; looks++) {
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
      // An unchanged key keeps its object, because derived signing keys are cached by it.
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

/** A key that does not expire is loaded again after this time, so that the gateway notices a rotated key. */
const LOOK_AGAIN_AFTER_MS = 60_000;

/** A temporary key is renewed when this part of its life remains, */
const RENEW_EARLY = 0.2;
/** or up to this part earlier, so that replicas that started together do not renew together. */
const JITTER = 0.1;

/** After a failure, the next attempt waits for this part of the remaining life, and at least a second. */
const RETRY_PART = 0.1;
const MIN_PAUSE_MS = 1_000;

/**
 * Returns the time until the next load. It depends on the remaining life, so that a source that repeats the same key is
 * read more often towards the key's end.
 */
export function refreshInMs(leftMs: number | undefined, chance: number): number {
  if (leftMs === undefined) return LOOK_AGAIN_AFTER_MS;
  return Math.max(MIN_PAUSE_MS, leftMs * (1 - RENEW_EARLY - JITTER * chance));
}

/** Returns the time until the next attempt after a failed renewal, while the old key is valid. */
export function retryInMs(leftMs: number | undefined): number {
  return Math.max(MIN_PAUSE_MS, (leftMs ?? LOOK_AGAIN_AFTER_MS) * RETRY_PART);
}
