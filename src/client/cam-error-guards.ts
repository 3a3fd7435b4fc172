import {
  type CamAnswer,
  type CamErrorCode,
  type CamErrorExtensions,
  type CamErrorExtensionsByCode,
  createCamErrorExtensions,
  describeCamError,
  isCamErrorCode,
  isCamErrorExtensions,
} from "../contract/index.ts";

/**
 * Returns the extensions of the first business error in a value, or undefined. With `code`, only errors of that code
 * count. Accepts every value that a GraphQL client returns or throws: an entry of `errors`, a result, a
 * CombinedGraphQLErrors, CombinedError or ClientError, an error that a router wrapped, a CamFailure, or data that
 * contains one.
 */
export function camErrorOf<Code extends CamErrorCode = CamErrorCode>(
  resultOrError: unknown,
  code?: Code,
): CamErrorExtensionsByCode[Code] | undefined {
  for (const { extensions } of carriedErrors(resultOrError)) {
    if (code === undefined || extensions.code === code) return extensions as CamErrorExtensionsByCode[Code];
  }
  return undefined;
}

/** A business error that was found inside another value. */
interface CarriedError {
  readonly message: string;
  readonly extensions: CamErrorExtensions;
}

/** The deepest known nesting: result, library error, entry, entry inside an entry. The limit also ends cycles. */
const MAX_DEPTH = 5;

/** Yields the business errors in a result or an error of any GraphQL client, thrown errors before data. */
export function* carriedErrors(value: unknown, depth = 0): Generator<CarriedError> {
  if (!isRecord(value) || depth > MAX_DEPTH) return;
  const extensions = readExtensions(value["extensions"]) ?? failureExtensions(value);
  if (extensions !== undefined) {
    const { message } = value;
    yield {
      extensions,
      message: typeof message === "string" ? message : describeCamError(extensions.code).message,
    };
  }
  for (const inner of innerErrors(value)) yield* carriedErrors(inner, depth + 1);
  // The place of the CamFailure of trySetSubUserMfa, under any alias.
  if (isRecord(value["data"])) {
    for (const field of Object.values(value["data"])) yield* carriedErrors(field, depth + 1);
  }
}

/** Returns the values in which libraries keep errors. */
function innerErrors(value: Readonly<Record<string, unknown>>): readonly unknown[] {
  const { errors, graphQLErrors, response, error, extensions } = value;
  return [
    ...listOf(errors), // a result; Apollo Client's CombinedGraphQLErrors
    ...listOf(graphQLErrors), // urql's CombinedError
    ...(isRecord(response) ? listOf(response["errors"]) : []), // graphql-request's ClientError
    error, // a result of Apollo Client or urql
    ...(isRecord(extensions) ? listOf(extensions["errors"]) : []), // an entry that Cosmo Router wrapped
  ];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Codes that other services use too. Without the rest of the extensions they do not identify an error of the gateway.
 */
const COMMON_WORDS: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "FORBIDDEN", "INTERNAL"]);

/**
 * Returns the extensions of a business error, or undefined. Some routers keep only the code. The catalogue then
 * supplies category, `retryable` and a waiting time, and `requestId` is empty.
 */
function readExtensions(extensions: unknown): CamErrorExtensions | undefined {
  if (isCamErrorExtensions(extensions)) return extensions;
  if (!isRecord(extensions)) return undefined;
  const { code, requestId } = extensions;
  if (!isCamErrorCode(code) || COMMON_WORDS.has(code)) return undefined;
  return createCamErrorExtensions(code, { requestId: typeof requestId === "string" ? requestId : "" });
}

/**
 * Returns a CamFailure in the form of extensions, or undefined for any other value. The operation must select `code`
 * and `requestId`: they identify a CamFailure without `__typename`.
 */
function failureExtensions(value: Readonly<Record<string, unknown>>): CamErrorExtensions | undefined {
  const { __typename = "CamFailure", code, requestId, retryAfterMs, changeId, expiresAt } = value;
  if (__typename !== "CamFailure" || !isCamErrorCode(code) || typeof requestId !== "string") return undefined;
  return createCamErrorExtensions(code, {
    requestId,
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
    changeId: typeof changeId === "string" ? changeId : undefined,
    expiresAt: typeof expiresAt === "string" ? expiresAt : undefined,
    cam: answerOf(value),
  });
}

function answerOf({
  camCode: code,
  camAction: action,
  camRequestId: requestId,
}: Readonly<Record<string, unknown>>): CamAnswer | undefined {
  if (typeof code !== "string" || typeof action !== "string" || typeof requestId !== "string")
    return undefined;
  return { code, action, requestId };
}

/** Returns whether a value has properties that can be read. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** A value with the extensions of one error: an entry of `errors`, a GraphQLError, a CamGatewayError. */
export interface SingleGraphQLError {
  readonly extensions?: unknown;
  readonly data?: never;
  readonly error?: never;
  readonly errors?: never;
  readonly graphQLErrors?: never;
  readonly response?: never;
}

/**
 * Returns whether a value is a business error. With `code`, only an error of that code counts. Narrows a value that has
 * its own extensions, so that `error.extensions` is typed.
 */
export function isCamError<Single extends SingleGraphQLError, Code extends CamErrorCode = CamErrorCode>(
  error: Single,
  code?: Code,
): error is Single & { readonly extensions: CamErrorExtensionsByCode[Code] };
/** Searches the list of errors in an error that a library threw. `camErrorOf` returns the error itself. */
export function isCamError(error: unknown, code?: CamErrorCode): boolean;
export function isCamError(error: unknown, code?: CamErrorCode): boolean {
  if (!isSingle(error)) return camErrorOf(error, code) !== undefined;
  // A narrowed value must have complete extensions. camErrorOf also reads errors that a router wrapped or shortened.
  return isCamErrorExtensions(error.extensions) && (code === undefined || error.extensions.code === code);
}

/** Keys of results and of Apollo Client's CombinedGraphQLErrors, whose extensions belong to the response. */
const HOLDING_MORE = ["data", "error", "errors", "graphQLErrors", "response"];

function isSingle(error: unknown): error is SingleGraphQLError {
  return (
    typeof error === "object" &&
    error !== null &&
    "extensions" in error &&
    !HOLDING_MORE.some((key) => key in error)
  );
}
