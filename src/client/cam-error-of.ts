import type { CamErrorCode, CamErrorExtensionsByCode } from "../contract/index.ts";
import { carriedErrors } from "./carried-errors.ts";

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
