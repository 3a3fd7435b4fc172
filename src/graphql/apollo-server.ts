import { ApolloServer, type ApolloServerPlugin, HeaderMap } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { ApolloServerPluginInlineTrace } from "@apollo/server/plugin/inlineTrace";
import { type GraphQLError, type GraphQLSchema, parse } from "graphql";
import type { GraphQLContext } from "./context.ts";
import { formatError, originalErrorOf } from "./error-format.ts";

export interface GraphQLObserver {
  /** Something was thrown that nobody raised deliberately; the caller was told INTERNAL. */
  onUnexpectedError(error: unknown, requestId: string): void;
}

export interface ApolloServerOptions {
  readonly schema: GraphQLSchema;
  /** Whether the schema can be asked for. Where it cannot, errors do not suggest names of it either. */
  readonly introspection: boolean;
  readonly logger: NonNullable<ConstructorParameters<typeof ApolloServer>[0]["logger"]>;
  readonly observer?: GraphQLObserver;
}

export function createApolloServer(options: ApolloServerOptions): ApolloServer<GraphQLContext> {
  return new ApolloServer<GraphQLContext>({
    schema: options.schema,
    introspection: options.introspection,
    logger: options.logger,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: !options.introspection,
    persistedQueries: false,
    // Admission keeps documents: src/graphql/documents.
    documentStore: null,
    // The HTTP edge has looked at it already: src/http/graphql/csrf.ts.
    csrfPrevention: false,
    allowBatchedHttpRequests: false,
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
      runAdmitted,
      createErrorEdge(options),
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

/** Stands in for a document that is not run. */
const NOTHING = parse("{ __typename }");

/**
 * Hands Apollo the document as it was admitted, which Apollo then neither parses nor validates again, and answers for an
 * operation that was not.
 */
const runAdmitted: ApolloServerPlugin<GraphQLContext> = {
  requestDidStart: async ({ contextValue: { admitted } }) => ({
    didResolveSource: async (requestContext) => {
      Object.assign(requestContext, { document: admitted.document ?? NOTHING });
    },
    responseForOperation: async () => {
      if (admitted.errors.length === 0) return null;
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

/** Formats errors where, unlike in Apollo's `formatError`, the request's id is at hand. */
function createErrorEdge({
  observer,
  introspection: suggestsNames,
}: ApolloServerOptions): ApolloServerPlugin<GraphQLContext> {
  return {
    requestDidStart: async ({ contextValue: { requestId, mediaType } }) => ({
      didEncounterErrors: async ({ errors }) => {
        for (const error of errors) {
          if (isOfTheRequest(error)) error.extensions["code"] ??= "BAD_USER_INPUT";
          if (error.extensions["code"] === undefined)
            observer?.onUnexpectedError(originalErrorOf(error), requestId);
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
        // In this form a status other than 200 says that the answer is none of GraphQL's.
        if (mediaType === "application/json" && response.http.status === 400) response.http.status = 200;
      },
    }),
  };
}

/** Whether GraphQL itself raised it before it ran any field. Of variables it says so without any code. */
function isOfTheRequest({ path, originalError }: GraphQLError): boolean {
  return path === undefined && originalError === undefined;
}
