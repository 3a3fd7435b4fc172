import type { GraphQLResolverMap } from "@apollo/subgraph";
import { GraphQLError, type GraphQLResolveInfo } from "graphql";
import { isUin, type Uin } from "../contract/index.ts";
import type { GraphQLContext } from "./context.ts";
import { describeFailure, type FailureContext } from "./failure.ts";

type Resolver = (
  source: unknown,
  args: unknown,
  context: GraphQLContext,
  info: GraphQLResolveInfo,
) => unknown;

/** Resolvers by type and field, as executable-schema libraries take them; scalars and enums stand beside them. */
type Resolvers = Readonly<Record<string, unknown>>;

/** Wraps every field resolver, so that the business errors they raise leave with the contract's extensions. */
export function throwTyped(resolvers: Resolvers): GraphQLResolverMap<GraphQLContext> {
  return Object.fromEntries(
    Object.entries(resolvers).map(([typeName, type]) => [
      typeName,
      isFieldMap(type) ? wrapFields(type) : type,
    ]),
  ) as GraphQLResolverMap<GraphQLContext>;
}

function isFieldMap(type: unknown): type is Readonly<Record<string, unknown>> {
  return Object.getPrototypeOf(type) === Object.prototype;
}

function wrapFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, resolve]) =>
      // Type resolvers (__resolveType, __isTypeOf) have other arguments and raise nothing.
      name.startsWith("__") || typeof resolve !== "function"
        ? [name, resolve]
        : [name, wrap(resolve as Resolver)],
    ),
  );
}

function wrap(resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    let result: unknown;
    try {
      result = resolve(source, args, context, info);
    } catch (error) {
      throw toGraphQLError(error, { requestId: context.requestId, opUin: opUinOf(source, args) });
    }
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw toGraphQLError(error, { requestId: context.requestId, opUin: opUinOf(source, args) });
    });
  };
}

/** The user that a field concerns: its argument of that name, or the user that it is a field of. */
export function opUinOf(source: unknown, args: unknown): Uin | undefined {
  for (const holder of [args, source]) {
    const opUin = (holder as { readonly opUin?: unknown } | undefined)?.opUin;
    if (isUin(opUin)) return opUin;
  }
  return undefined;
}

/** A business error with its extensions; anything else as it is, for the edge to mask. */
export function toGraphQLError(error: unknown, context: FailureContext): unknown {
  const failure = describeFailure(error, context);
  if (failure === undefined) return error;
  const originalError = error instanceof Error ? error : undefined;
  return new GraphQLError(failure.message, { extensions: { ...failure.extensions }, originalError });
}
