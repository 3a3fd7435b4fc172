import { isRecord } from "./cam-error-guards.ts";
import { type CamGatewayError, GatewayTransportError } from "./client-errors.ts";

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

type HeaderValues = Readonly<Record<string, string>>;

export interface CamGatewayClientOptions {
  /** Where the gateway answers GraphQL: an address, or in a browser also a path such as `/graphql`. */
  readonly url: string;
  /** What sends the requests; the platform's own `fetch` where left out. */
  readonly fetch?: GatewayFetch | undefined;
  /** For access tokens and the like. A function is asked before each request; what it throws reaches the caller. */
  readonly headers?: HeaderValues | (() => HeaderValues | Promise<HeaderValues>) | undefined;
  /**
   * Hears why a field inside an answer is null, such as the `mfa` of a user who could not be read. Such an error is
   * not thrown, because the rest of the answer holds: a change took effect even if its record cannot be shown.
   */
  readonly onFieldError?: ((error: CamGatewayError | GatewayTransportError) => void) | undefined;
}

export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason. It does not take back a change that was sent. */
  readonly signal?: AbortSignal | undefined;
}

/** Of reads of users. */
export interface ReadOptions extends CallOptions {
  /** The account whose users they are, by its name in the gateway; the default one where left out. */
  readonly account?: string | null | undefined;
}

export interface ChangeOptions extends CallOptions {
  /**
   * Makes it safe to repeat the change for a day, for instance after a NETWORK error: 1 to 200 printable characters,
   * such as `crypto.randomUUID()`. Take a new one for each change, and repeat it by the same method.
   */
  readonly idempotencyKey?: string | undefined;
}

interface Operation {
  readonly document: string;
  readonly variables: object;
  readonly options: ChangeOptions;
}

/** A body that is GraphQL's; nothing else is known of it. */
interface GraphQLAnswer {
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
