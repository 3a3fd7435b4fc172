import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Caller } from "./caller.ts";
import type { KeySet } from "./issuer-keys.ts";

/** As many callers as are at work at the same time, and a few megabytes at most. */
const MOST_TOKENS = 10_000;

export interface VerifiedToken {
  readonly caller: Caller;
  /** Wall clock. */
  readonly expiresAtMs: number;
  /** The keys by which it was verified: a token is only as good as the key that signed it. */
  readonly keys: KeySet;
  readonly currentKeys: () => KeySet | undefined;
}

/** Tokens that were verified, until they expire or their issuer has other keys. It holds their digests, not them. */
export class VerifiedTokens {
  readonly #verified = new LRUCache<string, VerifiedToken>({ max: MOST_TOKENS });

  find(token: string, nowMs: number): Caller | undefined {
    const digest = digestOf(token);
    const known = this.#verified.get(digest);
    if (known === undefined) return undefined;
    if (nowMs < known.expiresAtMs && known.currentKeys() === known.keys) return known.caller;
    this.#verified.delete(digest);
    return undefined;
  }

  keep(token: string, verified: VerifiedToken): void {
    this.#verified.set(digestOf(token), verified);
  }
}

function digestOf(token: string): string {
  return hash("sha256", token, "base64");
}
