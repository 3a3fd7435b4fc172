import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { ApolloServerPluginInlineTrace } from "@apollo/server/plugin/inlineTrace";
import type { GraphQLSchema } from "graphql";
import type { GraphQLContext } from "./context.ts";
import { formatError, originalErrorOf } from "./error-format.ts";
import { knownOperationTypesRule } from "./known-operation-types.ts";
import { createMutationLimitRule, type MutationLimit } from "./mutation-limit.ts";

export interface GraphQLObserver {
  /** Something was thrown that nobody raised deliberately; the caller was told INTERNAL. */
  onUnexpectedError(error: unknown, requestId: string): void;
}

export interface ApolloServerOptions {
  readonly schema: GraphQLSchema;
  readonly introspection: boolean;
  readonly mutationLimit: MutationLimit;
  readonly logger: NonNullable<ConstructorParameters<typeof ApolloServer>[0]["logger"]>;
  readonly observer?: GraphQLObserver;
}

/** A document of 300 mutations with all their arguments and selections has about 12,000 tokens. */
const MAX_TOKENS = 15_000;

export function createApolloServer(options: ApolloServerOptions): ApolloServer<GraphQLContext> {
  return new ApolloServer<GraphQLContext>({
    schema: options.schema,
    introspection: options.introspection,
    logger: options.logger,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    persistedQueries: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [knownOperationTypesRule, createMutationLimitRule(options.mutationLimit)],
    // The process edge handles signals, and the HTTP server drains.
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // It works out field by field, and not cheaply, what never differs here: see forbidCaching.
      ApolloServerPluginCacheControlDisabled(),
      // Federated traces (ftv1), for a router that asks for them; messages of errors stay masked in them.
      ApolloServerPluginInlineTrace(),
      // Apollo would switch these on by itself where an APOLLO_KEY is in the environment.
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      forbidCaching,
      createErrorEdge(options.observer),
    ],
  });
}

/** What CAM says of a user now may be otherwise in a second, and concerns nobody but the caller. */
const forbidCaching: ApolloServerPlugin<GraphQLContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response }) => {
      response.http.headers.set("cache-control", "no-store");
    },
  }),
};

/** Formats errors where, unlike in Apollo's `formatError`, the request's id is at hand. */
function createErrorEdge(observer: GraphQLObserver | undefined): ApolloServerPlugin<GraphQLContext> {
  return {
    requestDidStart: async ({ contextValue: { requestId } }) => ({
      didEncounterErrors: async ({ errors }) => {
        for (const error of errors) {
          if (error.extensions["code"] === undefined)
            observer?.onUnexpectedError(originalErrorOf(error), requestId);
        }
      },
      willSendResponse: async ({ response }) => {
        if (response.body.kind !== "single") return;
        const { singleResult } = response.body;
        if (singleResult.errors === undefined) return;
        singleResult.errors = singleResult.errors.map((error) => formatError(error, requestId));
      },
    }),
  };
}
