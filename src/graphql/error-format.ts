import { unwrapResolverError } from "@apollo/server/errors";
import type { GraphQLFormattedError } from "graphql";
import { createCamErrorExtensions, describeCamError, isCamErrorExtensions } from "../contract/index.ts";

/** Apollo's code for whatever was thrown without saying so. */
const APOLLO_INTERNAL = "INTERNAL_SERVER_ERROR";

/** GraphQL's guesses at other names. Apollo can hide them in validation errors, but not in those about variables. */
const SUGGESTION = / ?Did you mean .+\?$/s;

/** GraphQL says no more when a document repeats a field so often that comparing the repetitions takes too long. */
const ABORTED = /^Validation aborted\.$/;
const SAYS_MORE = "The document repeats the same fields too often. Select each once.";

const LONGEST_MESSAGE = 300;

export interface ErrorFormat {
  readonly requestId: string;
  /** Whether names of the schema may be told to who comes near them. */
  readonly suggestsNames: boolean;
}

/**
 * The one place where an error gets the form in which it leaves. Business errors and GraphQL's own (syntax,
 * validation, bad input) pass; anything else becomes INTERNAL with the request id and nothing more.
 */
export function formatError(
  error: GraphQLFormattedError,
  { requestId, suggestsNames }: ErrorFormat,
): GraphQLFormattedError {
  const code = error.extensions?.["code"];
  if (isCamErrorExtensions(error.extensions)) return error;
  if (code !== APOLLO_INTERNAL) {
    const told = suggestsNames ? error.message : error.message.replace(SUGGESTION, "");
    const message = shorten(told.replace(ABORTED, SAYS_MORE));
    return { ...error, message, extensions: { ...error.extensions, requestId } };
  }
  return {
    message: describeCamError("INTERNAL").message,
    ...(error.locations === undefined ? {} : { locations: error.locations }),
    ...(error.path === undefined ? {} : { path: error.path }),
    extensions: {
      ...createCamErrorExtensions("INTERNAL", {
        requestId,
        changeId: undefined,
        expiresAt: undefined,
        opUin: undefined,
        retryAfterMs: undefined,
        cam: undefined,
      }),
    },
  };
}

/** GraphQL quotes what it does not understand, and a client can make that long. */
function shorten(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)}…`;
}

/** What was thrown, for the log: an error of a resolver without the wrapping that GraphQL gives it. */
export function originalErrorOf(error: unknown): unknown {
  return unwrapResolverError(error);
}
