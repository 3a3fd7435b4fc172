import type { Clock } from "../../clock.ts";
import type { ClockSkew } from "../clock-skew.ts";
import type { Credential, CredentialChain } from "./credential.ts";

/** What an operator may want to know of the keys. */
export interface CredentialObserver {
  /** Another key than before, or the first. */
  onLoaded(loaded: Credential): void;
  /** The place of keys failed; the key that is there goes on being used. */
  onRefreshFailed(error: unknown): void;
}

interface CredentialCacheDeps {
  readonly chain: CredentialChain;
  readonly clock: Clock;
  /** CAM's time, by which temporary keys end; our own clock's without it. */
  readonly skew?: ClockSkew;
  readonly observer?: CredentialObserver;
}

interface Held {
  readonly credential: Credential;
  /** Monotonic. */
  readonly refreshAtMs: number;
}

/** A refused key is looked for again at most so often, since its place may go on giving the same. */
const REFUSED_PAUSE_MS = 1_000;

/**
 * The credential that calls are signed with. However many calls ask at once, the chain is asked once. A temporary
 * key is renewed ahead of its end, in the background, and used until that end; a failure is never kept, so the next
 * call that has no other key tries again.
 */
export class CredentialCache {
  readonly #deps: CredentialCacheDeps;
  #held: Held | undefined;
  #loading: Promise<Credential> | undefined;
  #nextReplacementMs = Number.NEGATIVE_INFINITY;

  constructor(deps: CredentialCacheDeps) {
    this.#deps = deps;
  }

  /** @throws CredentialError where there is no key that is still good, and no provider has one. */
  get(): Promise<Credential> {
    const held = this.#usable();
    if (held === undefined) return this.#load();
    if (this.#deps.clock.monotonic() < held.refreshAtMs) return Promise.resolve(held.credential);
    const refreshed = this.#load().catch(() => held.credential);
    // A key without an end comes from a file or a variable: looking is quick, and the old one may be gone.
    return held.credential.expiresAtMs === undefined ? refreshed : Promise.resolve(held.credential);
  }

  /** CAM refused this key: looks for another at once. Resolves to whether there is one, and never rejects. */
  async replace(refused: Credential): Promise<boolean> {
    // Twice, because a look that is under way may have begun before the key was replaced.
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

/** How long a key that has no end is used before its place is looked at again, so that a rotated one is noticed. */
const LOOK_AGAIN_AFTER_MS = 60_000;

/** A temporary key is renewed when this part of its life is left, */
const RENEW_EARLY = 0.2;
/** and up to this part earlier, so that replicas that began together do not ask together. */
const JITTER = 0.1;

/** After a failure the next try waits for this part of what is left, and never less than a second. */
const RETRY_PART = 0.1;
const MIN_PAUSE_MS = 1_000;

/**
 * After how long a loaded key's place is asked again. Counted from what is left and not from the whole life, so
 * that a place that goes on giving the same key is asked more often towards its end.
 */
export function refreshInMs(leftMs: number | undefined, chance: number): number {
  if (leftMs === undefined) return LOOK_AGAIN_AFTER_MS;
  return Math.max(MIN_PAUSE_MS, leftMs * (1 - RENEW_EARLY - JITTER * chance));
}

/** After how long a refresh that failed is tried again, while the old key is still good. */
export function retryInMs(leftMs: number | undefined): number {
  return Math.max(MIN_PAUSE_MS, (leftMs ?? LOOK_AGAIN_AFTER_MS) * RETRY_PART);
}
