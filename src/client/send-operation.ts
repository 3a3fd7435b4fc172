import { isRecord } from "./cam-error-guards.ts";
import { type CamGatewayError, GatewayTransportError } from "./client-errors.ts";

/** The request that the client gives to `fetch`. */
export interface GatewayRequest {
  readonly method: "POST";
  readonly headers: Record<string, string>;
  readonly body: string;
  /** GraphQL does not redirect, and the target of a redirect must not receive the headers. */
  readonly redirect: "error";
  readonly signal?: AbortSignal;
}

/** The part of a response that the client uses. */
export interface GatewayResponse {
  readonly status: number;
  text(): Promise<string>;
}

/** The part of the platform's `fetch` that the client uses, so that others can replace it. */
export type GatewayFetch = (url: string, request: GatewayRequest) => Promise<GatewayResponse>;

type HeaderValues = Readonly<Record<string, string>>;

export interface CamGatewayClientOptions {
  /** The address of the gateway's GraphQL endpoint. In a browser, a path such as `/graphql` is enough. */
  readonly url: string;
  /** Sends the requests. Default: the platform's `fetch`. */
  readonly fetch?: GatewayFetch | undefined;
  /** Headers such as access tokens. A function is called before each request, and its errors reach the caller. */
  readonly headers?: HeaderValues | (() => HeaderValues | Promise<HeaderValues>) | undefined;
  /**
   * Receives the error of a null field inside an answer, such as the `mfa` of a user who could not be read. The client
   * does not throw it, because the rest of the answer is valid: a change took effect even if its record cannot be
   * shown.
   */
  readonly onFieldError?: ((error: CamGatewayError | GatewayTransportError) => void) | undefined;
}

export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. Does not undo a change that was sent. */
  readonly signal?: AbortSignal | undefined;
}

/** Options for reads of users. */
export interface ReadOptions extends CallOptions {
  /** The name of the users' account in the gateway. Default: the default account. */
  readonly account?: string | null | undefined;
}

export interface ChangeOptions extends CallOptions {
  /**
   * Makes it safe to repeat the change for a day, for example after a NETWORK error: 1 to 200 printable characters,
   * such as `crypto.randomUUID()`. Use a new key for each change, and repeat a change by the same method.
   */
  readonly idempotencyKey?: string | undefined;
}

interface Operation {
  readonly document: string;
  readonly variables: object;
  readonly options: ChangeOptions;
}

/** A body with the form of a GraphQL answer. */
interface GraphQLAnswer {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors: readonly unknown[];
}

/** Runs one HTTP exchange. @throws GatewayTransportError if the answer is not GraphQL. */
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

/** `fetch` would send two spellings of one name as two values. */
function withLowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Checks headers first, because platforms report a bad one as a network failure and repeat its value. */
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
    // Without a cause, which could contain the whole request if the caller passed an own fetch.
    throw new GatewayTransportError("NETWORK", { reason: reasonOf(error) });
  }
}

/** Returns a code such as ECONNREFUSED, which Node keeps in the cause of its error. */
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
