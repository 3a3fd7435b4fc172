import type { GraphQLResolverMap } from "@apollo/subgraph";
import { GraphQLError, type GraphQLFieldResolver, type GraphQLResolveInfo } from "graphql";
import { Failure, failureOf } from "../changes/failure.ts";
import {
  type CamErrorExtensions,
  createCamErrorExtensions,
  GatewayError,
  isUin,
  type Uin,
} from "../contract/index.ts";
import { currentOperation } from "../telemetry/operation.ts";
import type { CamFailure } from "./cam-error/cam-error.resolver.ts";
import type { GraphQLContext } from "./context.ts";

/** A business error in the form of both channels: thrown (message and extensions) and as data (CamFailure). */
interface DescribedFailure {
  readonly message: string;
  readonly extensions: CamErrorExtensions;
}

/** The request and the user of the field that raised an error. */
interface FailureContext {
  /** The gateway's id of the operation. */
  readonly requestId: string;
  /** The user of the field. */
  readonly opUin: Uin | undefined;
}

/**
 * Returns an error in the form of both channels. Undefined for an error that the gateway did not raise deliberately.
 */
function describeFailure(error: unknown, { requestId, opUin }: FailureContext): DescribedFailure | undefined {
  const failure = failureOf(error);
  if (failure === undefined) return undefined;
  currentOperation.getStore()?.fail(failure.code);
  const { code, message, changeId, expiresAt, retryAfterMs, cam } = failure;
  const facts = { requestId, opUin: failure.opUin ?? opUin, changeId, expiresAt, retryAfterMs, cam };
  return { message, extensions: createCamErrorExtensions(code, facts) };
}

type Resolver = (
  source: unknown,
  args: unknown,
  context: GraphQLContext,
  info: GraphQLResolveInfo,
) => unknown;

/** Resolvers by type and field, scalars and enums, in the form that executable-schema libraries take. */
type Resolvers = Readonly<Record<string, unknown>>;

/** Wraps every field resolver, so that a business error has the extensions of the contract. */
export function withTypedErrors(resolvers: Resolvers): GraphQLResolverMap<GraphQLContext> {
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
      // Type resolvers (__resolveType, __isTypeOf) take other arguments and raise nothing.
      name.startsWith("__") || typeof resolve !== "function"
        ? [name, resolve]
        : [name, wrap(resolve as Resolver)],
    ),
  );
}

function wrap(resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    const fail = (error: unknown): never => {
      const opUin = opUinOf(source, args);
      noteRefusal(error, opUin, context, info);
      throw toGraphQLError(error, { requestId: context.requestId, opUin });
    };
    try {
      const result = resolve(source, args, context, info);
      return result instanceof Promise ? result.catch(fail) : result;
    } catch (error) {
      return fail(error);
    }
  };
}

/**
 * Notes a refusal of an authenticated caller for the record. An error without a rule is no refusal: UNKNOWN_ACCOUNT has
 * none, because a name that does not exist leaves no trace.
 */
function noteRefusal(
  error: unknown,
  opUin: Uin | undefined,
  { caller, requestId, noteRefusal: note }: GraphQLContext,
  { parentType, fieldName }: GraphQLResolveInfo,
): void {
  const cause = error instanceof Failure ? error.cause : error;
  if (!(cause instanceof GatewayError) || cause.rule === undefined || cause.code === "UNAUTHENTICATED")
    return;
  const { code, rule } = cause;
  const field = `${parentType.name}.${fieldName}`;
  note({ caller, code, rule, field, opUin: cause.opUin ?? opUin, gatewayRequestId: requestId });
}

/** Returns the user of a field: the argument `opUin` of the field or the field `opUin` of its parent. */
function opUinOf(source: unknown, args: unknown): Uin | undefined {
  for (const holder of [args, source]) {
    const opUin = (holder as { readonly opUin?: unknown } | undefined)?.opUin;
    if (isUin(opUin)) return opUin;
  }
  return undefined;
}

/** Returns a business error with its extensions, and any other error unchanged, for `formatError` to mask. */
export function toGraphQLError(error: unknown, context: FailureContext): unknown {
  const failure = describeFailure(error, context);
  if (failure === undefined) return error;
  const originalError = error instanceof Error ? error : undefined;
  return new GraphQLError(failure.message, { extensions: { ...failure.extensions }, originalError });
}

/**
 * Wraps a resolver so that a business error becomes the value of the field. The wrapper includes type-graphql's guards,
 * so a caller who lacks a scope receives that error as data too.
 */
export function failuresAsData(
  resolve: GraphQLFieldResolver<unknown, GraphQLContext> | undefined,
): GraphQLFieldResolver<unknown, GraphQLContext> {
  if (resolve === undefined) throw new Error("The schema lacks a field that returns failures as data.");
  return async (source, args, context, info) => {
    try {
      return await resolve(source, args, context, info);
    } catch (error) {
      const { requestId } = context;
      const opUin = opUinOf(source, args);
      noteRefusal(error, opUin, context, info);
      const failure = describeFailure(error, { requestId, opUin });
      if (failure === undefined) throw error;
      return toCamFailure(failure);
    }
  };
}

function toCamFailure({ message, extensions }: DescribedFailure): CamFailure {
  const { cam, expiresAt, opUin: _, ...facts } = extensions;
  return {
    ...{ ...facts, message },
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    camCode: cam?.code,
    camAction: cam?.action,
    camRequestId: cam?.requestId,
  };
}
