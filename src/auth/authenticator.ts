import { type Caller, LOCAL_CALLER } from "./caller.ts";
import type { ClaimMismatch } from "./claim-mismatch.ts";

/** The parts of a request that identify its caller. */
export interface IncomingRequest {
  /** Names and values in turn. An object of headers would hide that a header came twice. */
  readonly rawHeaders: readonly string[];
  /** The address of the peer. */
  readonly remoteAddress: string | undefined;
}

export type Authentication = { readonly caller: Caller } | Refusal;

/** Why the gateway rejects a token or certificate. */
export interface Refusal {
  /** A sentence that is safe to show the caller. */
  readonly refusal: string;
  /** Only where the gateway could not verify a token that may be good: the time until the next attempt makes sense. */
  readonly retryAfterMs?: number;
  /** For the log only: an error of the gateway or the issuer. */
  readonly cause?: unknown;
  /** For the log only: the issuer and audience of a token that is meant for another service. */
  readonly mismatch?: ClaimMismatch;
  /** For the log only: the wrong claim. */
  readonly claim?: { readonly name: string; readonly problem: string };
  /** Only for a token that was not read. It may be good, and signing in again would not help. */
  readonly code?: "TOKEN_TOO_LARGE";
}

export interface Authenticator {
  authenticate(request: IncomingRequest): Promise<Authentication>;
}

/** Takes every request for one of the development caller. */
export const localAuthenticator: Authenticator = {
  authenticate: async () => ({ caller: LOCAL_CALLER }),
};

/** Returns every value of a header, in the order of the request. */
export function headerValues({ rawHeaders }: IncomingRequest, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}
