import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { Refusal } from "../auth/authenticator.ts";
import { createCamErrorExtensions, describeCamError } from "../contract/index.ts";

/** Errors of a request that never reached GraphQL. They have the form of all others, but for a status of their own. */
export const HTTP_ERRORS = {
  BAD_REQUEST: {
    status: 400,
    meaning: "The request, or a part of it, cannot be read; the message says which.",
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    status: 400,
    meaning: "Only whole queries are taken; send the query itself.",
  },
  CSRF_PREVENTED: {
    status: 403,
    meaning:
      "A page of another origin may have made a browser send it. Send JSON as `application/json`, or a GET with " +
      "`graphql-require-preflight: 1`.",
  },
  NOT_FOUND: { status: 404, meaning: "Nothing is at this address; GraphQL is at `/graphql`." },
  METHOD_NOT_ALLOWED: { status: 405, meaning: "Send operations with POST; queries also with GET." },
  NOT_ACCEPTABLE: {
    status: 406,
    meaning: "The `accept` header takes neither `application/json` nor `application/graphql-response+json`.",
  },
  REQUEST_TIMEOUT: { status: 408, meaning: "The request took too long to arrive." },
  REQUEST_TOO_LARGE: { status: 413, meaning: "The body is larger than 1 MiB." },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    meaning: "Send the operation as `application/json`, in UTF-8 and not compressed.",
  },
  EXPECTATION_FAILED: { status: 417, meaning: "Leave out the `expect` header, or send `100-continue`." },
  MISDIRECTED_REQUEST: {
    status: 421,
    meaning: "In local mode the gateway answers only to its own loopback names.",
  },
  HEADERS_TOO_LARGE: { status: 431, meaning: "The headers are larger than 32 KiB." },
  TOKEN_TOO_LARGE: {
    status: 431,
    meaning:
      "The bearer token is longer than 24 KiB. Signing in again does not help: have the identity provider put fewer " +
      "claims into it, such as groups.",
  },
  INTERNAL: { status: 500, meaning: "Something went wrong inside the gateway; report the request id." },
  SHUTTING_DOWN: { status: 503, meaning: "The gateway is stopping and did nothing. Send it again." },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly meaning: string }>>;

export type HttpErrorCode = keyof typeof HTTP_ERRORS;

/** What a request that is no operation has to change. */
export interface RequestProblem {
  readonly problem: string;
  /** BAD_REQUEST without it. */
  readonly code?: HttpErrorCode;
}

/** A GraphQL-shaped error for a request that never reached GraphQL. */
interface HttpErrorBody {
  readonly errors: readonly [{ readonly message: string; readonly extensions: HttpErrorExtensions }];
}

interface HttpErrorExtensions {
  readonly code: HttpErrorCode;
  readonly requestId: string;
}

interface HttpFailure {
  readonly status: number;
  readonly body: HttpErrorBody;
}

/** Fastify's own refusals in our words; theirs may repeat what was sent. */
const KNOWN: Readonly<Record<string, { readonly code: HttpErrorCode; readonly message: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: "REQUEST_TOO_LARGE",
    message: "The request body is larger than this service takes.",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "Send the operation as application/json.",
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    code: "BAD_REQUEST",
    message: "The request body is empty; send a JSON object with a query.",
  },
  BODY_NOT_UTF8: { code: "BAD_REQUEST", message: "The request body is not UTF-8." },
  BODY_IS_UTF16: { code: "BAD_REQUEST", message: "The request body is UTF-16. Send it as UTF-8." },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: "BAD_REQUEST", message: "The request body is not valid JSON." },
};

export function httpFailureOf(error: FastifyError, requestId: string): HttpFailure {
  const known = KNOWN[error.code];
  if (known !== undefined) return failure(known.code, known.message, requestId);
  return (error.statusCode ?? 500) < 500
    ? failure("BAD_REQUEST", "The request cannot be read.", requestId)
    : failure("INTERNAL", "Something went wrong inside the gateway.", requestId);
}

export function failure(code: HttpErrorCode, message: string, requestId: string): HttpFailure {
  return {
    status: HTTP_ERRORS[code].status,
    body: { errors: [{ message, extensions: { code, requestId } }] },
  };
}

export function refuseProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  { problem, code = "BAD_REQUEST" }: RequestProblem,
): FastifyReply {
  return refuse(request, reply, code, problem);
}

export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  code: HttpErrorCode,
  message: string,
): FastifyReply {
  const { status, body } = failure(code, message, request.id);
  return reply.status(status).send(body);
}

/**
 * The whole operation, for who sends a proof does not mean to be anonymous. HTTP 200 as for every business error;
 * clients that renew tokens look for the header (RFC 6750, section 3).
 */
export function refuseRejectedToken(
  request: FastifyRequest,
  reply: FastifyReply,
  { refusal, retryAfterMs, code }: Refusal,
): FastifyReply {
  if (code !== undefined) return refuse(request, reply, code, refusal);
  // No challenge: at one, clients take a token for bad that may be good.
  if (retryAfterMs !== undefined) {
    const { message } = describeCamError("ISSUER_UNAVAILABLE");
    const extensions = createCamErrorExtensions("ISSUER_UNAVAILABLE", {
      requestId: request.id,
      retryAfterMs,
    });
    return reply
      .status(200)
      .header("cache-control", "no-store")
      .send({ errors: [{ message: `${message} ${refusal}`, extensions }] });
  }
  const { message } = describeCamError("UNAUTHENTICATED");
  const extensions = createCamErrorExtensions("UNAUTHENTICATED", { requestId: request.id });
  return reply
    .status(200)
    .headers({ "www-authenticate": 'Bearer error="invalid_token"', "cache-control": "no-store" })
    .send({ errors: [{ message: `${message} ${refusal}`, extensions }] });
}

/** Like every business error with HTTP 200, because some routers make another error of a 429, or send it again. */
export function refuseBusyCaller(
  request: FastifyRequest,
  reply: FastifyReply,
  retryAfterMs: number,
): FastifyReply {
  const { message } = describeCamError("CALLER_RATE_LIMITED");
  const extensions = createCamErrorExtensions("CALLER_RATE_LIMITED", { requestId: request.id, retryAfterMs });
  return reply.status(200).send({ errors: [{ message, extensions }] });
}
