import type { FastifyError } from "fastify";
import { IS_UTF16, NOT_UTF8 } from "./graphql/json-body.ts";
import { HTTP_ERRORS, type HttpErrorCode } from "./http-error-catalogue.ts";

/** A GraphQL-shaped error for a request that never reached GraphQL. */
export interface HttpErrorBody {
  readonly errors: readonly [{ readonly message: string; readonly extensions: HttpErrorExtensions }];
}

interface HttpErrorExtensions {
  readonly code: HttpErrorCode;
  readonly requestId: string;
}

export interface HttpFailure {
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
  [NOT_UTF8]: { code: "BAD_REQUEST", message: "The request body is not UTF-8." },
  [IS_UTF16]: { code: "BAD_REQUEST", message: "The request body is UTF-16. Send it as UTF-8." },
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
