import { ApolloServer, type ApolloServerPlugin, HeaderMap } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { ApolloServerPluginInlineTrace } from "@apollo/server/plugin/inlineTrace";
import { type GraphQLError, type GraphQLFormattedError, type GraphQLSchema, parse } from "graphql";
import { createCamErrorExtensions, describeCamError, isCamErrorExtensions } from "../contract/index.ts";
import { currentOperation } from "../telemetry/operation.ts";
import type { GraphQLContext } from "./context.ts";

export interface ApolloServerOptions {
  readonly schema: GraphQLSchema;
  /** Whether callers may read the schema. If not, errors do not suggest its names either. */
  readonly introspection: boolean;
  readonly logger: NonNullable<ConstructorParameters<typeof ApolloServer>[0]["logger"]>;
  /** Receives each error that no code raised deliberately. The caller receives INTERNAL instead. */
  readonly onUnexpectedError?: (error: unknown, requestId: string) => void;
}

export function createApolloServer(options: ApolloServerOptions): ApolloServer<GraphQLContext> {
  return new ApolloServer<GraphQLContext>({
    schema: options.schema,
    introspection: options.introspection,
    logger: options.logger,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: !options.introspection,
    persistedQueries: false,
    // The document reader keeps documents: documents/document-reader.ts.
    documentStore: null,
    // The HTTP route has checked this already: src/http/graphql/graphql-route.ts.
    csrfPrevention: false,
    allowBatchedHttpRequests: false,
    // The process handles signals, and the HTTP server drains its connections.
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // Apollo's plugin would compute a cache policy for each field. forbidCaching sets one policy for all answers.
      ApolloServerPluginCacheControlDisabled(),
      // Federated traces (ftv1) for routers that request them. The traces mask error messages.
      ApolloServerPluginInlineTrace(),
      // Apollo enables reporting by itself if the environment has an APOLLO_KEY. These plugins prevent that.
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      forbidCaching,
      runAdmitted,
      createErrorFormatter(options),
    ],
  });
}

/** Forbids caching. CAM's data can be outdated a second later, and is for this caller only. */
const forbidCaching: ApolloServerPlugin<GraphQLContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response }) => {
      response.http.headers.set("cache-control", "no-store");
    },
  }),
};

/** The document that Apollo receives instead of one that may not run. */
const EMPTY_DOCUMENT = parse("{ __typename }");

/**
 * Gives Apollo the admitted document, so that Apollo does not parse it again. Answers a refused operation with its
 * errors.
 */
const runAdmitted: ApolloServerPlugin<GraphQLContext> = {
  requestDidStart: async ({ contextValue: { admitted } }) => ({
    didResolveSource: async (requestContext) => {
      Object.assign(requestContext, { document: admitted.document ?? EMPTY_DOCUMENT });
    },
    responseForOperation: async () => {
      if (admitted.errors.length === 0) return null;
      currentOperation.getStore()?.fail("BAD_USER_INPUT");
      const errors = admitted.errors.map((error) => error.toJSON());
      return {
        http: { status: 400, headers: new HeaderMap() },
        body: { kind: "single", singleResult: { errors } },
      };
    },
  }),
};

const CONTENT_TYPES = {
  "application/json": "application/json; charset=utf-8",
  "application/graphql-response+json": "application/graphql-response+json; charset=utf-8",
} as const satisfies Record<GraphQLContext["mediaType"], string>;

/** Returns the plugin that formats errors. Apollo's own `formatError` option does not receive the request's id. */
function createErrorFormatter({
  onUnexpectedError,
  introspection: suggestsNames,
}: ApolloServerOptions): ApolloServerPlugin<GraphQLContext> {
  return {
    requestDidStart: async ({ contextValue: { requestId, mediaType } }) => ({
      didEncounterErrors: async ({ errors }) => {
        for (const error of errors) {
          if (isRequestError(error)) error.extensions["code"] ??= "BAD_USER_INPUT";
          const { code } = error.extensions;
          currentOperation.getStore()?.fail(typeof code === "string" ? code : "INTERNAL");
          if (code === undefined) {
            onUnexpectedError?.(unwrapResolverError(error), requestId);
          }
        }
      },
      willSendResponse: async ({ response }) => {
        response.http.headers.set("content-type", CONTENT_TYPES[mediaType]);
        if (response.body.kind !== "single") return;
        const { singleResult } = response.body;
        if (singleResult.errors === undefined) return;
        singleResult.errors = singleResult.errors.map((error) =>
          formatError(error, { requestId, suggestsNames }),
        );
        // In this media type a status other than 200 means that the answer does not come from GraphQL.
        if (mediaType === "application/json" && response.http.status === 400) response.http.status = 200;
      },
    }),
  };
}

/** Returns whether GraphQL raised the error before it ran a field. GraphQL's errors about variables have no code. */
function isRequestError({ path, originalError }: GraphQLError): boolean {
  return path === undefined && originalError === undefined;
}

/** Apollo's code for an error that has no code of its own. */
const APOLLO_INTERNAL = "INTERNAL_SERVER_ERROR";

/** GraphQL's suggestions of names. Apollo can hide them in validation errors, but not in errors about variables. */
const SUGGESTION = / ?Did you mean .+\?$/s;

/** GraphQL's whole message for a document with too many repeated fields to compare. */
const VALIDATION_ABORTED = /^Validation aborted\.$/;
const TOO_MANY_REPEATS = "The document repeats the same fields too often. Select each once.";

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
    const shown = suggestsNames ? error.message : error.message.replace(SUGGESTION, "");
    const message = shorten(shown.replace(VALIDATION_ABORTED, TOO_MANY_REPEATS));
    return { ...error, message, extensions: { ...error.extensions, requestId } };
  }
  return {
    message: describeCamError("INTERNAL").message,
    ...(error.locations === undefined ? {} : { locations: error.locations }),
    ...(error.path === undefined ? {} : { path: error.path }),
    extensions: { ...createCamErrorExtensions("INTERNAL", { requestId }) },
  };
}

/** Shortens a message. GraphQL quotes the parts of a request that it cannot read, and a client can make them long. */
function shorten(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)}…`;
}
