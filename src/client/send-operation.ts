import type { CamGatewayClientOptions, ChangeOptions } from "./client-options.ts";
import type { GatewayFetch, GatewayRequest } from "./gateway-fetch.ts";
import { GatewayTransportError } from "./gateway-transport-error.ts";
import { isRecord } from "./is-record.ts";

export interface Operation {
  readonly document: string;
  readonly variables: object;
  readonly options: ChangeOptions;
}

/** A body that is GraphQL's; nothing else is known of it. */
export interface GraphQLAnswer {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors: readonly unknown[];
}

/** One HTTP exchange. Throws a GatewayTransportError where no GraphQL comes back. */
export async function sendOperation(
  { url, fetch = platformFetch, headers = {} }: CamGatewayClientOptions,
  { document, variables, options }: Operation,
): Promise<GraphQLAnswer> {
  const own = typeof headers === "function" ? await headers() : headers;
  const { signal, idempotencyKey } = options;
  const request: GatewayRequest = {
    method: "POST",
    headers: {
      ...withLowerCaseNames(own),
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      accept: "application/graphql-response+json, application/json;q=0.9",
      "content-type": "application/json",
    },
    body: JSON.stringify({ query: document, variables }),
    redirect: "error",
    ...(signal === undefined ? {} : { signal }),
  };
  assertSendable(request.headers);
  const { status, text } = await exchange(fetch, url, request);
  return readAnswer(status, text);
}

function platformFetch(...[url, request]: Parameters<GatewayFetch>): ReturnType<GatewayFetch> {
  return globalThis.fetch(url, request);
}

/** Two spellings of one name would be sent as two values. */
function withLowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Platforms report these only when they send, as if the network had failed, and repeat the header. */
function assertSendable(headers: Record<string, string>): void {
  try {
    new Headers(headers);
  } catch {
    throw new GatewayTransportError("INVALID_HEADER");
  }
}

async function exchange(fetch: GatewayFetch, url: string, request: GatewayRequest) {
  request.signal?.throwIfAborted();
  try {
    const response = await fetch(url, request);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    request.signal?.throwIfAborted();
    // Without its cause: a fetch of the caller's own may tell the whole request in it.
    throw new GatewayTransportError("NETWORK", { reason: reasonOf(error) });
  }
}

/** A code such as ECONNREFUSED, which Node keeps in the cause of what it throws. */
function reasonOf(error: unknown): string | undefined {
  const cause = isRecord(error) && isRecord(error["cause"]) ? error["cause"] : error;
  const code = isRecord(cause) ? cause["code"] : undefined;
  return typeof code === "string" && /^[A-Z][A-Z_]{2,30}$/.test(code) ? code : undefined;
}

function readAnswer(status: number, text: string): GraphQLAnswer {
  const body = parseJson(text);
  if (isRecord(body)) {
    const { data, errors } = body;
    if (isRecord(data) || Array.isArray(errors)) {
      return { status, data: isRecord(data) ? data : {}, errors: Array.isArray(errors) ? errors : [] };
    }
  }
  throw new GatewayTransportError(status >= 300 ? "HTTP" : "NOT_GRAPHQL", { status });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
