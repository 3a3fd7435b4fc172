import type { GraphQLFormattedError } from "graphql";
import { createCamErrorExtensions, describeCamError, isCamErrorExtensions } from "../contract/index.ts";

/** Apollo's code for an error that has no code of its own. */
const APOLLO_INTERNAL = "INTERNAL_SERVER_ERROR";

/** GraphQL's suggestions of names. Apollo can hide them in validation errors, but not in errors about variables. */
const SUGGESTION = / ?Did you mean .+\?$/s;

/** GraphQL's whole message for a document with too many repeated fields to compare. */
const ABORTED = /^Validation aborted\.$/;
const SAYS_MORE = "The document repeats the same fields too often. Select each once.";

const LONGEST_MESSAGE = 300;

interface ErrorFormat {
  readonly requestId: string;
  /** Whether messages may suggest names of the schema. */
  readonly suggestsNames: boolean;
}

/**
 * Returns an error in the form that the caller receives. Business errors and GraphQL's own errors (syntax, validation,
 * bad input) pass. Any other error becomes INTERNAL, with its position and the request id but without its own message.
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

/** Shortens a message. GraphQL quotes the parts of a request that it cannot read, and a client can make them long. */
function shorten(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)}…`;
}
