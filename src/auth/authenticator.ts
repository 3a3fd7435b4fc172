import { type Caller, LOCAL_CALLER } from "./caller.ts";
import type { ClaimMismatch } from "./claim-mismatch.ts";

/** As much of a request as says who sent it. */
export interface IncomingRequest {
  /** Names and values in turn, as they came: an object of headers would hide that one came twice. */
  readonly rawHeaders: readonly string[];
  /** The address at the other end of the connection. */
  readonly remoteAddress: string | undefined;
}

export type Authentication = { readonly caller: Caller } | Refusal;

/** Why a proof is not believed. */
export interface Refusal {
  /** A sentence that is safe to show the caller. */
  readonly refusal: string;
  /** Only where nothing could be found out about a proof that may be good: how long to wait before sending it again. */
  readonly retryAfterMs?: number;
  /** For the log alone: what was wrong on our side or the issuer's. */
  readonly cause?: unknown;
  /** For the log alone: what a token says that is by or for somebody else. */
  readonly mismatch?: ClaimMismatch;
  /** For the log alone: the claim that is wrong, and how. */
  readonly claim?: { readonly name: string; readonly problem: string };
  /** Only for a proof that is not even looked at. It may be good, and signing in again would not help. */
  readonly code?: "TOKEN_TOO_LARGE";
}

export interface Authenticator {
  authenticate(request: IncomingRequest): Promise<Authentication>;
}

/** Takes everybody for the development caller. */
export const localAuthenticator: Authenticator = {
  authenticate: async () => ({ caller: LOCAL_CALLER }),
};

/** Every value of a header, in the order in which they came. */
export function headerValues({ rawHeaders }: IncomingRequest, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}
