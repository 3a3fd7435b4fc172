/** What the client hands to `fetch`. */
export interface GatewayRequest {
  readonly method: "POST";
  readonly headers: Record<string, string>;
  readonly body: string;
  /** GraphQL does not redirect, and whoever a redirect leads to must not see the headers. */
  readonly redirect: "error";
  readonly signal?: AbortSignal;
}

/** What the client needs of an answer. */
export interface GatewayResponse {
  readonly status: number;
  text(): Promise<string>;
}

/** The part of the platform's `fetch` that the client uses, so that others can stand in for it. */
export type GatewayFetch = (url: string, request: GatewayRequest) => Promise<GatewayResponse>;
