import { type CamErrorCode, type CamErrorExtensionsByCode, isCamErrorExtensions } from "../contract/index.ts";
import { camErrorOf } from "./cam-error-of.ts";

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
