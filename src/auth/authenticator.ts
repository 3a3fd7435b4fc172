import { type Caller, LOCAL_CALLER } from "./caller.ts";

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
  /** For the log alone: what was wrong on our side or the issuer's. */
  readonly cause?: unknown;
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
