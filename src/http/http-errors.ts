import type { FastifyError } from "fastify";
import type { Refusal } from "../auth/authenticator.ts";
import { type CamErrorCode, createCamErrorExtensions, describeCamError } from "../contract/index.ts";

/**
 * The errors of requests that do not reach GraphQL. Each has an HTTP status. The body has the shape of a GraphQL error.
 */
export const HTTP_ERRORS = {
  BAD_REQUEST: {
    status: 400,
    meaning: "The gateway cannot read the request or a part of it; the message says which.",
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    status: 400,
    meaning: "The gateway does not support persisted queries; send the query text.",
  },
  CSRF_PREVENTED: {
    status: 403,
    meaning:
      "The request may come from a page of another origin. Send JSON as `application/json`, or a GET with " +
      "`graphql-require-preflight: 1`.",
  },
  NOT_FOUND: { status: 404, meaning: "The path does not exist; the GraphQL endpoint is `/graphql`." },
  METHOD_NOT_ALLOWED: { status: 405, meaning: "Send operations with POST; queries also with GET." },
  NOT_ACCEPTABLE: {
    status: 406,
    meaning: "The `accept` header allows neither `application/json` nor `application/graphql-response+json`.",
  },
  REQUEST_TIMEOUT: { status: 408, meaning: "The request took too long to arrive." },
  REQUEST_TOO_LARGE: { status: 413, meaning: "The body is larger than 4 MiB." },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    meaning: "Send the operation as `application/json`, in UTF-8 and uncompressed.",
  },
  EXPECTATION_FAILED: { status: 417, meaning: "Remove the `expect` header, or send `100-continue`." },
  MISDIRECTED_REQUEST: {
    status: 421,
    meaning: "In local mode the gateway answers only to its own loopback names.",
  },
  HEADERS_TOO_LARGE: { status: 431, meaning: "The headers are larger than 32 KiB." },
  TOKEN_TOO_LARGE: {
    status: 431,
    meaning:
      "The bearer token is longer than 24 KiB. Signing in again does not help. Configure the identity provider to put " +
      "fewer claims into the token, such as groups.",
  },
  INTERNAL: { status: 500, meaning: "The gateway failed unexpectedly; report the request id." },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly meaning: string }>>;

type HttpErrorCode = keyof typeof HTTP_ERRORS;
type Headers = Readonly<Record<string, string>>;

/** Rejects a request before GraphQL runs it. The message goes to the caller. */
export class HttpError extends Error {
  readonly code: HttpErrorCode;
  readonly headers: Headers;

  constructor(code: HttpErrorCode, message: string, headers: Headers = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

/**
 * Rejects a request with an error of the catalogue and HTTP 200, like every business error. Some routers rewrite other
 * statuses, or send the operation again.
 */
export class CallerError extends Error {
  readonly code: CamErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly headers: Headers;

  constructor(code: CamErrorCode, detail: string, retryAfterMs?: number, headers: Headers = {}) {
    super(`${describeCamError(code).message} ${detail}`.trim());
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.headers = headers;
  }
}

/**
 * Returns the error for a rejected token or certificate. The error rejects the whole operation, because a caller with a
 * token does not intend to be anonymous.
 */
export function authenticationError({ refusal, retryAfterMs, code }: Refusal): HttpError | CallerError {
  if (code !== undefined) return new HttpError(code, refusal);
  const headers = { "cache-control": "no-store" };
  // Sends no challenge, because it makes clients discard a token that may be valid.
  if (retryAfterMs !== undefined) {
    return new CallerError("ISSUER_UNAVAILABLE", refusal, retryAfterMs, headers);
  }
  // RFC 6750, section 3: clients that renew tokens read this header.
  const challenge = { "www-authenticate": 'Bearer error="invalid_token"', ...headers };
  return new CallerError("UNAUTHENTICATED", refusal, undefined, challenge);
}

/** The gateway's messages for Fastify's errors, because Fastify's own messages may repeat the input. */
const FASTIFY_ERRORS: Readonly<Record<string, readonly [code: HttpErrorCode, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["REQUEST_TOO_LARGE", "The request body is larger than 4 MiB."],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["UNSUPPORTED_MEDIA_TYPE", "Send the operation as application/json."],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["BAD_REQUEST", "The request body is empty; send a JSON object with a query."],
  FST_ERR_CTP_INVALID_JSON_BODY: ["BAD_REQUEST", "The request body is not valid JSON."],
};

export interface ErrorResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly errors: readonly [
      {
        readonly message: string;
        readonly extensions: { readonly code: string; readonly requestId: string };
      },
    ];
  };
}

/** Returns the response of an error. Hides all details of an error that the gateway did not raise intentionally. */
export function errorResponse(
  error: FastifyError | HttpError | CallerError,
  requestId: string,
): ErrorResponse {
  const { message } = error;
  if (error instanceof CallerError) {
    const { code, retryAfterMs, headers } = error;
    const facts = { requestId, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    const extensions = createCamErrorExtensions(code, facts);
    return { status: 200, headers, body: { errors: [{ message, extensions }] } };
  }
  if (error instanceof HttpError) {
    const { code, headers } = error;
    const { status } = HTTP_ERRORS[code];
    return { status, headers, body: { errors: [{ message, extensions: { code, requestId } }] } };
  }
  return errorResponse(httpErrorOf(error), requestId);
}

function httpErrorOf({ code, statusCode = 500 }: FastifyError): HttpError {
  const known = FASTIFY_ERRORS[code];
  if (known !== undefined) return new HttpError(...known);
  return statusCode < 500
    ? new HttpError("BAD_REQUEST", "The gateway cannot read the request.")
    : new HttpError("INTERNAL", describeCamError("INTERNAL").message);
}
