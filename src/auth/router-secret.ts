import { hash, timingSafeEqual } from "node:crypto";

/** What a router adds to every request. Routers pass headers of clients on only where told to, so clients cannot. */
export const ROUTER_SECRET_HEADER = "x-router-secret";

/** What only the router knows, and the gateway. It keeps a digest, which also makes all comparisons equally long. */
export class RouterSecret {
  readonly #digest: Buffer;

  constructor(secret: string) {
    this.#digest = digestOf(secret);
  }

  /** Whether a request, by the values of the header, came by way of the router. */
  isIn(values: readonly string[]): boolean {
    const [given, ...further] = values;
    return given !== undefined && further.length === 0 && timingSafeEqual(digestOf(given), this.#digest);
  }
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
