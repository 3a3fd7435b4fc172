import {
  type Authentication,
  type Authenticator,
  headerValues,
  type IncomingRequest,
} from "./authenticator.ts";
import { ANONYMOUS } from "./caller.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/** RFC 6750, section 2.1; a word of any other kind cannot be a JWT. */
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

export interface RequestAuthenticatorDeps {
  readonly tokens: TokenVerifier;
}

/** Finds out who sent a request, by the proof that it carries. */
export class RequestAuthenticator implements Authenticator {
  readonly #deps: RequestAuthenticatorDeps;

  constructor(deps: RequestAuthenticatorDeps) {
    this.#deps = deps;
  }

  async authenticate(request: IncomingRequest): Promise<Authentication> {
    const [authorization, ...further] = headerValues(request, "authorization");
    if (authorization === undefined) return { caller: ANONYMOUS };
    if (further.length > 0) return { refusal: "There is more than one Authorization header." };
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined)
      return { refusal: "The Authorization header has to be: Bearer, and a signed token." };
    return this.#deps.tokens.verify(token);
  }
}
