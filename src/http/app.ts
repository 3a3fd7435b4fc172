import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import type { GraphQLContext } from "../graphql/context.ts";
import type { Logger } from "../observability/logger.ts";
import { failure, httpFailureOf } from "./http-errors.ts";
import { parseIdempotencyKey } from "./idempotency-key.ts";
import { type PlaygroundOptions, registerPlayground } from "./playground/playground.ts";
import { requestIdOf } from "./request-id.ts";
import { endSilentConnectionsOnClose } from "./silent-connections.ts";

export const GRAPHQL_PATH = "/graphql";

/** Far above any operation people write, and far below what would hurt. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface HttpAppDeps {
  readonly apollo: ApolloServer<GraphQLContext>;
  readonly createContext: (request: FastifyRequest) => GraphQLContext;
  /** Left out: no page, and browsers get what every client gets. */
  readonly playground: Omit<PlaygroundOptions, "graphqlPath"> | undefined;
  /** Whether the service wants traffic. */
  readonly isReady: () => boolean;
  readonly logger: Logger;
}

/** The HTTP edge: GraphQL on one path, the playground beside it, two probes. */
export async function createHttpApp(deps: HttpAppDeps): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: deps.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    bodyLimit: MAX_BODY_BYTES,
    // On stop, requests under way finish and idle keep-alive connections do not hold the process.
    forceCloseConnections: "idle",
    // What the router cannot read never reaches the error handler below.
    frameworkErrors: (error, request, reply) => {
      const { status, body } = httpFailureOf(error, request.id);
      void (reply as FastifyReply).header("x-request-id", request.id).status(status).send(body);
    },
  });

  endSilentConnectionsOnClose(app);
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onSend", async (_request, reply, payload) => {
    // A connection that outlived its last answer would hold the stop until it times out.
    if (!deps.isReady()) reply.header("connection", "close");
    return payload;
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = httpFailureOf(error as Parameters<typeof httpFailureOf>[0], request.id);
    if (status >= 500) deps.logger.error({ err: error, requestId: request.id }, "request failed");
    return reply.status(status).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const { status, body } = failure(
      404,
      "NOT_FOUND",
      `Nothing is here. GraphQL is at ${GRAPHQL_PATH}.`,
      request.id,
    );
    return reply.status(status).send(body);
  });

  app.get("/health/live", async () => ({ status: "live" }));
  app.get("/health/ready", async (_request, reply) => {
    const ready = deps.isReady();
    return reply.status(ready ? 200 : 503).send({ status: ready ? "ready" : "stopping" });
  });

  if (deps.playground !== undefined) {
    await registerPlayground(app, { ...deps.playground, graphqlPath: GRAPHQL_PATH });
  }
  app.route({
    method: ["GET", "POST", "OPTIONS"],
    url: GRAPHQL_PATH,
    preHandler: async (request, reply) => {
      const idempotencyKey = parseIdempotencyKey(request.headers["idempotency-key"]);
      if (!("problem" in idempotencyKey)) return;
      const { status, body } = failure(400, "BAD_REQUEST", idempotencyKey.problem, request.id);
      await reply.status(status).send(body);
    },
    handler: fastifyApolloHandler(deps.apollo, { context: async (request) => deps.createContext(request) }),
  });
  return app;
}
