import { hash, timingSafeEqual } from "node:crypto";

/** The header that a router adds to every request. Routers forward headers of clients only where told to. */
export const ROUTER_SECRET_HEADER = "x-router-secret";

/** A shorter secret could be guessed. */
const MIN_LENGTH = 32;

/** A header carries these characters unchanged, and no space at either end. */
const SENDABLE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Says what is wrong with a router's secret, to be put behind its name. */
export function problemOfRouterSecret(secret: string): string | undefined {
  if (secret.length < MIN_LENGTH) return `must have at least ${MIN_LENGTH} characters`;
  return SENDABLE.test(secret)
    ? undefined
    : "has a letter in it, or a space around it, that no header could carry";
}

/** The secret that the router and the gateway share. Holds a digest, so that all comparisons take equally long. */
export class RouterSecret {
  readonly #digest: Buffer;

  constructor(secret: string) {
    this.#digest = digestOf(secret);
  }

  /** Returns whether the values of the header show that the request came by way of the router. */
  isIn(values: readonly string[]): boolean {
    const [given, ...further] = values;
    return given !== undefined && further.length === 0 && timingSafeEqual(digestOf(given), this.#digest);
  }
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
