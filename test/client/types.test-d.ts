import type { CombinedGraphQLErrors, ErrorLike } from "@apollo/client";
import type { CombinedError } from "@urql/core";
import type { GraphQLError, GraphQLFormattedError } from "graphql";
import type { ClientError } from "graphql-request";
import { expectTypeOf } from "vitest";
import type {} from "../../src/client/graphql-extensions.ts";
import {
  type CamErrorCode,
  type CamErrorExtensions,
  type CamFailure,
  type CamGatewayClient,
  type CamGatewayError,
  camErrorOf,
  isCamError,
  type SetSubUserMfaPayload,
} from "../../src/client/index.ts";

/** Compiled by `tsc --noEmit` and never run. */
export function narrowsWhatCarriesExtensions(
  entry: { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> },
  graphQLError: GraphQLError,
  formatted: GraphQLFormattedError,
  gatewayError: CamGatewayError,
): void {
  if (isCamError(entry)) expectTypeOf(entry.extensions.code).toEqualTypeOf<CamErrorCode>();
  if (isCamError(entry, "QUOTA_EXHAUSTED")) {
    expectTypeOf(entry.extensions.retryAfterMs).toEqualTypeOf<number>();
  }
  if (isCamError(graphQLError, "USER_NOT_BIND_PHONE")) {
    expectTypeOf(graphQLError.extensions.category).toEqualTypeOf<"PRECONDITION">();
  }
  if (isCamError(formatted)) expectTypeOf(formatted.extensions.requestId).toEqualTypeOf<string>();
  if (isCamError(gatewayError, "CAM_RATE_LIMITED")) {
    expectTypeOf(gatewayError.extensions.retryAfterMs).toEqualTypeOf<number>();
    // @ts-expect-error The guard narrowed the code to another one.
    gatewayError.extensions.code satisfies "QUOTA_EXHAUSTED";
  }
  // @ts-expect-error No such code.
  isCamError(entry, "USER_NOT_BOUND");
}

export function leavesAloneWhatHoldsAList(
  apollo: CombinedGraphQLErrors,
  apolloResult: ErrorLike,
  urql: CombinedError,
  request: ClientError,
  plain: Error,
  caught: unknown,
): void {
  for (const error of [apollo, apolloResult, urql, request, plain, caught]) {
    expectTypeOf(isCamError(error)).toEqualTypeOf<boolean>();
  }
  // The extensions of a CombinedGraphQLErrors belong to the response, not to an error.
  if (isCamError(apollo))
    expectTypeOf(apollo.extensions).toEqualTypeOf<Record<string, unknown> | undefined>();
  // @ts-expect-error An Error has no extensions, even if it contains a business error.
  if (isCamError(plain)) plain.extensions;
  expectTypeOf(camErrorOf(caught)).toEqualTypeOf<CamErrorExtensions | undefined>();
  expectTypeOf(camErrorOf(caught, "QUOTA_EXHAUSTED")?.retryAfterMs).toEqualTypeOf<number | undefined>();
}

export function aSwitchWithoutACaseDoesNotCompile(category: CamErrorExtensions["category"]): string {
  switch (category) {
    case "INPUT":
      return "yours";
    default: {
      // @ts-expect-error Some categories have no case.
      const nothing: never = category;
      return nothing;
    }
  }
}

export function aSwitchOverCodesKnowsWhatIsLeft(
  error: CamGatewayError<"USER_NOT_EXIST" | "QUOTA_EXHAUSTED">,
): number {
  switch (error.extensions.code) {
    case "USER_NOT_EXIST":
      return 0;
    case "QUOTA_EXHAUSTED":
      return error.extensions.retryAfterMs;
    default: {
      const nothing: never = error.extensions;
      return nothing;
    }
  }
}

export async function theResultOfTryingIsAUnion(client: CamGatewayClient): Promise<void> {
  const result = await client.trySetSubUserMfa({ opUin: "100021969091", login: { phone: true } });
  // @ts-expect-error Only one of the two types has this property.
  result.subUser;
  if (result.__typename === "CamFailure") expectTypeOf(result).toEqualTypeOf<CamFailure>();
  else expectTypeOf(result).toEqualTypeOf<SetSubUserMfaPayload>();
  // @ts-expect-error Results are read-only.
  result.__typename = "CamFailure";
  // @ts-expect-error A number could lose digits of a Uin.
  await client.subUser(100021969091);
}

export function theExtensionsOfGraphQLAreTyped(error: GraphQLError, formatted: GraphQLFormattedError): void {
  expectTypeOf(error.extensions.retryAfterMs).toEqualTypeOf<number | undefined>();
  expectTypeOf(formatted.extensions?.cam?.action).toEqualTypeOf<string | undefined>();
  error.extensions.code satisfies string | undefined;
  // @ts-expect-error Any other key keeps its type.
  error.extensions["other"] satisfies string;
}
