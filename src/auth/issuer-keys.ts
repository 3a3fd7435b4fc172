import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../clock.ts";

/** How long a key set is taken to be what the issuer has: by then a key that it has withdrawn is no longer taken. */
const FRESH_MS = 5 * 60_000;
/** How long it serves while a newer one is not to be had. */
const STALE_MS = 12 * 60 * 60_000;
/** Between two loads, whatever key ids tokens name, and however often a load fails. */
const COOLDOWN_MS = 10_000;

export interface IssuerKeysDeps {
  /** The text of the key set. Rejects where it is not to be had. */
  readonly load: () => Promise<string>;
  readonly clock: Pick<Clock, "monotonic">;
  readonly observer: {
    onKeysLoaded(): void;
    /** A key set is not to be had, or is none. */
    onKeysAway(error: unknown): void;
  };
}

/** The keys of an issuer cannot be had, so nothing can be said of its tokens. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
  /** When they are looked for again. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super("The issuer's keys cannot be had.");
    this.retryAfterMs = retryAfterMs;
  }
}

export interface KeySet {
  readonly text: string;
  readonly find: JWTVerifyGetKey;
}

/**
 * The public keys of one issuer. They are loaded when first needed, one load at a time, and again when they are no
 * longer fresh or a token names a key that is not among them; while that fails, the old ones serve for a bounded time.
 */
export class IssuerKeys {
  readonly #deps: IssuerKeysDeps;
  #current: KeySet | undefined;
  #loadedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  /** Whether the last load failed. */
  #isAway = false;

  constructor(deps: IssuerKeysDeps) {
    this.#deps = deps;
  }

  /** The key set as it is now, which is another object only where other keys are in it. Looks for a newer one on the side. */
  get current(): KeySet | undefined {
    const ageMs = this.#deps.clock.monotonic() - this.#loadedAtMs;
    if (ageMs > FRESH_MS && this.#mayLoad()) void this.#load();
    return ageMs > STALE_MS ? undefined : this.#current;
  }

  /** @throws KeysUnavailable */
  async ready(): Promise<KeySet> {
    if (this.current === undefined) await (this.#loading ?? (this.#mayLoad() ? this.#load() : undefined));
    const keys = this.current;
    if (keys === undefined) throw this.#unavailable();
    return keys;
  }

  /**
   * The key that a token names; where it is not among those at hand, the issuer may have a new one.
   * @throws KeysUnavailable where that cannot be found out, and jose's errors.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.ready();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await (this.#loading ?? (this.#mayLoad() ? this.#load() : undefined));
      const newer = await this.ready();
      // The issuer may have a new key, and cannot be asked for it.
      if (this.#isAway && newer === keys) throw this.#unavailable();
      return newer.find(header, token);
    }
  };

  #unavailable(): KeysUnavailable {
    const sinceMs = this.#deps.clock.monotonic() - this.#triedAtMs;
    return new KeysUnavailable(Math.max(0, COOLDOWN_MS - sinceMs));
  }

  #mayLoad(): boolean {
    return this.#loading === undefined && this.#deps.clock.monotonic() - this.#triedAtMs >= COOLDOWN_MS;
  }

  #load(): Promise<void> {
    this.#triedAtMs = this.#deps.clock.monotonic();
    this.#loading = this.#replace().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #replace(): Promise<void> {
    const { load, clock, observer } = this.#deps;
    try {
      const text = await load();
      if (text !== this.#current?.text) {
        this.#current = parseKeySet(text);
        observer.onKeysLoaded();
      }
      this.#loadedAtMs = clock.monotonic();
      this.#isAway = false;
    } catch (error) {
      this.#isAway = true;
      observer.onKeysAway(error);
    }
  }
}

/** @throws Error where the text is no JSON Web Key Set. */
export function parseKeySet(text: string): KeySet {
  return { text, find: createLocalJWKSet(JSON.parse(text)) };
}
