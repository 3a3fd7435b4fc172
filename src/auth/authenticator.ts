import { type Caller, LOCAL_CALLER } from "./caller.ts";
import type { ClaimMismatch } from "./claim-mismatch.ts";

/** The parts of a request that identify its caller. */
export interface IncomingRequest {
  /** Header names and values, alternating. An object of headers would hide a repeated header. */
  readonly rawHeaders: readonly string[];
  /** The address of the peer. */
  readonly remoteAddress: string | undefined;
}

export type Authentication = { readonly caller: Caller } | Refusal;

/** The reason why the gateway rejects a token or certificate. */
export interface Refusal {
  /** A sentence that is safe to show the caller. */
  readonly refusal: string;
  /** The time until the caller may try again. Set only if the gateway could not verify a token that may be valid. */
  readonly retryAfterMs?: number;
  /** For the log only: an error of the gateway or the issuer. */
  readonly cause?: unknown;
  /** For the log only: the issuer and audience of a token that is meant for another service. */
  readonly mismatch?: ClaimMismatch;
  /** For the log only: the wrong claim. */
  readonly claim?: { readonly name: string; readonly problem: string };
  /** Set only for a token that is too long to read. The token may be valid, and signing in again does not help. */
  readonly code?: "TOKEN_TOO_LARGE";
}

export interface Authenticator {
  authenticate(request: IncomingRequest): Promise<Authentication>;
}

/** Treats every request as a request of the development caller. */
export const localAuthenticator: Authenticator = {
  authenticate: async () => ({ caller: LOCAL_CALLER }),
};

/** Returns every value of a header, in the order of the request. */
export function headerValues({ rawHeaders }: IncomingRequest, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}
