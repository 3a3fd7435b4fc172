import {
  type Authentication,
  type Authenticator,
  headerValues,
  type IncomingRequest,
} from "./authenticator.ts";
import { ANONYMOUS } from "./caller.ts";
import type { ClientCertificates } from "./client-certificates.ts";
import { ROUTER_SECRET_HEADER, type RouterSecret } from "./router-secret.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/** RFC 6750, section 2.1; a word of any other kind cannot be a JWT. */
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

export interface RequestAuthenticatorDeps {
  readonly tokens: TokenVerifier;
  readonly certificates: ClientCertificates | undefined;
  /** Where there is one, nobody is served but by way of the router. */
  readonly routerSecret: RouterSecret | undefined;
}

/** Finds out who sent a request, by the proof that it carries: a token, or else a certificate. */
export class RequestAuthenticator implements Authenticator {
  readonly #deps: RequestAuthenticatorDeps;

  constructor(deps: RequestAuthenticatorDeps) {
    this.#deps = deps;
  }

  async authenticate(request: IncomingRequest): Promise<Authentication> {
    const { tokens, certificates, routerSecret } = this.#deps;
    if (routerSecret?.isIn(headerValues(request, ROUTER_SECRET_HEADER)) === false) {
      return { refusal: "Only the router is served here." };
    }
    const [authorization, ...further] = headerValues(request, "authorization");
    if (authorization === undefined) return certificates?.identify(request) ?? { caller: ANONYMOUS };
    if (further.length > 0) return { refusal: "There is more than one Authorization header." };
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined)
      return { refusal: "The Authorization header has to be: Bearer, and a signed token." };
    return tokens.verify(token);
  }
}
