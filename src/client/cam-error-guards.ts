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
 * The extensions of the first business error, or of the first with the given code, in whatever a GraphQL client
 * returns or throws: an entry of `errors`, a result, a CombinedGraphQLErrors, CombinedError or ClientError, an error
 * that a router wrapped, a CamFailure or data that holds one. Undefined where there is none.
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

/** A business error that was found inside of something else. */
interface CarriedError {
  readonly message: string;
  readonly extensions: CamErrorExtensions;
}

/** Result, error of a library, entry, entry inside an entry: nothing known nests deeper, and circles end here. */
const MAX_DEPTH = 5;

/** The business errors in a result or an error of any GraphQL client, in order, thrown ones before data. */
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
  // Where trySetSubUserMfa, under whatever alias, has a CamFailure.
  if (isRecord(value["data"])) {
    for (const field of Object.values(value["data"])) yield* carriedErrors(field, depth + 1);
  }
}

/** Where the libraries keep errors. */
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

/** Codes that other services use too: without the rest of the extensions they prove nothing. */
const COMMON_WORDS: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "FORBIDDEN", "INTERNAL"]);

/**
 * The extensions of a business error, or undefined. Some routers leave nothing but the code; the catalogue then
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
 * What a CamFailure would be as extensions, or undefined for anything else. `code` and `requestId` have to be
 * selected: together they tell a CamFailure from other types where `__typename` is not selected.
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

/** Whether a value has properties that can be looked at. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** What carries the extensions of one error itself: an entry of `errors`, a GraphQLError, a CamGatewayError. */
export interface SingleGraphQLError {
  readonly extensions?: unknown;
  readonly data?: never;
  readonly error?: never;
  readonly errors?: never;
  readonly graphQLErrors?: never;
  readonly response?: never;
}

/**
 * Whether this is a business error, and of the given code where one is given. What carries its extensions itself is
 * narrowed, so that `error.extensions` is typed.
 */
export function isCamError<Single extends SingleGraphQLError, Code extends CamErrorCode = CamErrorCode>(
  error: Single,
  code?: Code,
): error is Single & { readonly extensions: CamErrorExtensionsByCode[Code] };
/** The errors that libraries throw hold a list. They are searched; `camErrorOf` gives what was found. */
export function isCamError(error: unknown, code?: CamErrorCode): boolean;
export function isCamError(error: unknown, code?: CamErrorCode): boolean {
  if (!isSingle(error)) return camErrorOf(error, code) !== undefined;
  // What is narrowed has to have all of it: what a router wrapped or stripped is for camErrorOf.
  return isCamErrorExtensions(error.extensions) && (code === undefined || error.extensions.code === code);
}

/** Results have extensions too, and so has Apollo Client's CombinedGraphQLErrors: the response's, not an error's. */
const HOLDING_MORE = ["data", "error", "errors", "graphQLErrors", "response"];

function isSingle(error: unknown): error is SingleGraphQLError {
  return (
    typeof error === "object" &&
    error !== null &&
    "extensions" in error &&
    !HOLDING_MORE.some((key) => key in error)
  );
}
