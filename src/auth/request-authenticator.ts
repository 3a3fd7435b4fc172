import { hash, timingSafeEqual } from "node:crypto";
import {
  type Authentication,
  type Authenticator,
  type CertificateAuthenticator,
  headerValues,
  type IncomingRequest,
} from "./authenticator.ts";
import { ANONYMOUS } from "./caller.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/**
 * auth/ identifies callers by tokens and client certificates, and decides what the policy allows them. It does not make
 * changes and does not read the configuration. Read token-verifier.ts next for tokens, and policy/decide-access.ts for
 * rights.
 */

/** RFC 6750, section 2.1. The three parts are those of a JWT. */
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Identifies the caller of a request by its token or, without a token, by its client certificate. */
export class RequestAuthenticator implements Authenticator {
  readonly #tokens: TokenVerifier;
  readonly #certificates: CertificateAuthenticator | undefined;
  readonly #routerSecret: RouterSecret | undefined;

  /** @param routerSecret If it is set, the gateway serves only requests that come through the router. */
  constructor(
    tokens: TokenVerifier,
    certificates: CertificateAuthenticator | undefined,
    routerSecret: RouterSecret | undefined,
  ) {
    this.#tokens = tokens;
    this.#certificates = certificates;
    this.#routerSecret = routerSecret;
  }

  async authenticate(request: IncomingRequest): Promise<Authentication> {
    if (this.#routerSecret?.matches(headerValues(request, ROUTER_SECRET_HEADER)) === false) {
      return { refusal: "The gateway serves only requests of the router." };
    }
    const [authorization, ...further] = headerValues(request, "authorization");
    if (authorization === undefined) return this.#certificates?.identify(request) ?? { caller: ANONYMOUS };
    if (further.length > 0) return { refusal: "The request has more than one Authorization header." };
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined)
      return { refusal: "The Authorization header must have the form: Bearer, then a signed token." };
    return this.#tokens.verify(token);
  }
}

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
