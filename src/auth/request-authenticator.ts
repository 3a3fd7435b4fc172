import {
  type Authentication,
  type Authenticator,
  type CertificateAuthenticator,
  headerValues,
  type IncomingRequest,
} from "./authenticator.ts";
import { ANONYMOUS } from "./caller.ts";
import { ROUTER_SECRET_HEADER, type RouterSecret } from "./router-secret.ts";
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
