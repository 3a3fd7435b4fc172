import type { CamErrorCode, CamErrorExtensionsByCode } from "../contract/index.ts";
import { carriedErrors, isRecord } from "./cam-error-guards.ts";

/** A business error that the gateway reported. Its message is safe to show to a person. */
export class CamGatewayError<Code extends CamErrorCode = CamErrorCode> extends Error {
  override readonly name = "CamGatewayError";
  readonly code: Code;
  /** A union that `code` discriminates: switch on `extensions.code`. */
  readonly extensions: CamErrorExtensionsByCode[Code];

  constructor(message: string, extensions: CamErrorExtensionsByCode[Code]) {
    super(message);
    this.code = extensions.code as Code;
    this.extensions = extensions;
  }
}

/**
 * The reason why the client cannot use the answer:
 *
 * - INVALID_HEADER: a header, such as a token or the idempotency key, has characters that HTTP does not allow.
 * - NETWORK: no complete answer arrived. A change may have been made; repeat it with the same idempotency key.
 * - HTTP: the gateway or a proxy answered with a status of 300 or above and without GraphQL.
 * - NOT_GRAPHQL: the answer reports success without a GraphQL answer to the operation.
 * - REJECTED: GraphQL's own errors (syntax, validation, input), or a code of a later version.
 */
export type TransportFailure = "INVALID_HEADER" | "NETWORK" | "HTTP" | "NOT_GRAPHQL" | "REJECTED";

/** An entry of `errors` that is not a business error. */
export interface GraphQLProblem {
  readonly message: string;
  readonly code: string | undefined;
}

interface TransportErrorFacts {
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  readonly problems?: readonly GraphQLProblem[] | undefined;
}

const MESSAGES: Readonly<Record<TransportFailure, string>> = {
  INVALID_HEADER: "A header of the request has characters that HTTP does not allow, so nothing was sent.",
  NETWORK: "The gateway could not be reached, or its answer broke off.",
  HTTP: "The gateway's address answered with an HTTP error.",
  NOT_GRAPHQL: "The gateway's address answered with something other than GraphQL.",
  REJECTED: "The gateway rejected the operation.",
};

/**
 * A failure without a business error and without a result. It does not contain the request, the body of an answer or
 * the error of `fetch`, because each of these can repeat an access token.
 */
export class GatewayTransportError extends Error {
  override readonly name = "GatewayTransportError";
  readonly failure: TransportFailure;
  /** The HTTP status, if an answer arrived. */
  readonly status: number | undefined;
  /** The platform's code for the network failure, such as ECONNREFUSED, if it has one. */
  readonly reason: string | undefined;
  /** The errors of GraphQL. Empty for other failures. */
  readonly problems: readonly GraphQLProblem[];

  constructor(failure: TransportFailure, facts: TransportErrorFacts = {}) {
    const { status, reason, problems = [] } = facts;
    const [first] = problems;
    const detail = reason ?? first?.message ?? (status === undefined ? undefined : `HTTP ${status}`);
    super(detail === undefined ? MESSAGES[failure] : `${MESSAGES[failure]} (${detail})`);
    this.failure = failure;
    this.status = status;
    this.reason = reason;
    this.problems = problems;
  }
}

/** Returns the error to throw for entries of `errors`: the first business error, or else REJECTED with all entries. */
export function answerError(
  errors: readonly unknown[],
  status: number,
): CamGatewayError | GatewayTransportError {
  const [carried] = carriedErrors({ errors });
  if (carried !== undefined) return new CamGatewayError(carried.message, carried.extensions);
  return new GatewayTransportError("REJECTED", { status, problems: errors.map(problemOf) });
}

function problemOf(error: unknown): GraphQLProblem {
  const { message, extensions } = isRecord(error) ? error : {};
  const code = isRecord(extensions) ? extensions["code"] : undefined;
  return {
    message: typeof message === "string" ? message : "An error without a message.",
    code: typeof code === "string" ? code : undefined,
  };
}
