import type { GraphQLFieldResolver } from "graphql";
import type { CamFailure } from "./cam-error/cam-failure.type.ts";
import type { GraphQLContext } from "./context.ts";
import { describeFailure, type Failure } from "./failure.ts";
import { opUinOf } from "./throw-typed.ts";

type Resolver = GraphQLFieldResolver<unknown, GraphQLContext>;

/**
 * Makes a business error of a field its value. It goes around whatever type-graphql does before a resolver, so that
 * callers who may not make a change are told so as data, too.
 */
export function failuresAsData(resolve: Resolver | undefined): Resolver {
  if (resolve === undefined) throw new Error("The schema lacks the field whose failures are data.");
  return async (source, args, context, info) => {
    try {
      return await resolve(source, args, context, info);
    } catch (error) {
      const failure = describeFailure(error, {
        requestId: context.requestId,
        opUin: opUinOf(source, args),
      });
      if (failure === undefined) throw error;
      return toCamFailure(failure);
    }
  };
}

function toCamFailure({ message, extensions }: Failure): CamFailure {
  const { code, category, retryable, retryAfterMs, requestId, changeId, expiresAt, cam } = extensions;
  return {
    code,
    category,
    retryable,
    retryAfterMs,
    changeId,
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    requestId,
    message,
    camCode: cam?.code,
    camAction: cam?.action,
    camRequestId: cam?.requestId,
  };
}
