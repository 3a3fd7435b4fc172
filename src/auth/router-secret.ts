import { hash, timingSafeEqual } from "node:crypto";

/** The header that a router adds to every request. A router forwards headers of its clients only if configured to. */
export const ROUTER_SECRET_HEADER = "x-router-secret";

/** An attacker could guess a shorter secret. */
const MIN_LENGTH = 32;

/** The texts that a header transports unchanged: printable ASCII without a space at either end. */
const SENDABLE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Returns the problem of a router's secret, as the end of a sentence. Returns undefined without a problem. */
export function problemOfRouterSecret(secret: string): string | undefined {
  if (secret.length < MIN_LENGTH) return `must have at least ${MIN_LENGTH} characters`;
  return SENDABLE.test(secret)
    ? undefined
    : "has a character, or a space around it, that a header cannot contain";
}

/** The secret that the router and the gateway share. Holds a digest, so that every comparison takes the same time. */
export class RouterSecret {
  readonly #digest: Buffer;

  constructor(secret: string) {
    this.#digest = digestOf(secret);
  }

  /** Returns whether the header has exactly one value, and that value is the secret. */
  matches(values: readonly string[]): boolean {
    const [given, ...further] = values;
    return given !== undefined && further.length === 0 && timingSafeEqual(digestOf(given), this.#digest);
  }
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
