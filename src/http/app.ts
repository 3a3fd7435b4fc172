import type { Server } from "node:http";
import type { Socket } from "node:net";
import {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  fastify,
  LogController,
} from "fastify";
import type { Logger } from "../telemetry/logger.ts";
import { type ConnectionLimits, Connections } from "./connections.ts";
import { readJsonBodies } from "./graphql/graphql-request.ts";
import { type GraphQLRouteOptions, refuseMethod, registerGraphQLRoute } from "./graphql/graphql-route.ts";
import { failure, httpFailureOf } from "./http-errors.ts";
import { answerForNode, hostProblem, refuseUnreadable, requestIdOf } from "./node-server.ts";
import { type PlaygroundOptions, registerPlayground } from "./playground/playground.ts";
import { securityHeaders } from "./security-headers.ts";
import type { TlsMaterial } from "./tls.ts";

/**
 * Answers only to these names. A page can have its own name lead to a loopback address (DNS rebinding), and would
 * then be of the same origin as a gateway on this machine, but for the Host header that it cannot change.
 */
export function answerOnlyTo(app: FastifyInstance, hostnames: readonly string[]): void {
  app.addHook("onRequest", async (request, reply) => {
    if (hostnames.includes(hostnameOf(request.headers.host))) return;
    const { status, body } = failure(
      "MISDIRECTED_REQUEST",
      `In local mode the gateway answers only to ${hostnames.join(", ")}.`,
      request.id,
    );
    await reply.status(status).send(body);
  });
}

function hostnameOf(host: string | undefined): string {
  return (host ?? "").replace(/:\d*$/, "").toLowerCase();
}

/** Far above any operation people write, and far below what would hurt. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Room for the longest bearer token (24 KiB, src/auth/token-verifier.ts) and 8 KiB of other headers. */
export const MAX_HEADER_BYTES = 32 * 1024;

/** For the headers, and for a whole request: the longest that an honest client on a bad line takes. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;

/** Node looks for requests that have run out of time only so often, every 30 s unless told. */
export const TIMEOUT_CHECK_MS = 1_000;

export const GRAPHQL_PATH = "/graphql";
const HEALTH_PATH = "/health/";

export interface HttpAppDeps extends Omit<GraphQLRouteOptions, "path"> {
  /** The only names in a Host header that are answered; undefined for any. */
  readonly hostnames: readonly string[] | undefined;
  /** Without it, plain HTTP. */
  readonly tls: TlsMaterial | undefined;
  readonly connections: ConnectionLimits;
  /** For a connection that waits for its next request. */
  readonly keepAliveMs: number;
  /** Left out: no page, and browsers get what every client gets. */
  readonly playground: Omit<PlaygroundOptions, "graphqlPath"> | undefined;
  /** Whether the service wants traffic. */
  readonly isReady: () => boolean;
  readonly logger: Logger;
}

/** The HTTP edge: GraphQL on one path, the playground beside it, two probes. */
export async function createHttpApp(deps: HttpAppDeps): Promise<FastifyInstance> {
  const headers = securityHeaders(deps.tls !== undefined);
  const app: FastifyInstance = fastify({
    loggerInstance: deps.logger.forLibrary("fastify") as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: deps.keepAliveMs,
    ...serverOptions(deps.tls),
    clientErrorHandler: (error, socket) =>
      refuseUnreadable(error, socket as Socket, headers, connections.exchangesOn(socket as Socket)),
    // The hook below refuses in our own form.
    return503OnClosing: false,
    // On stop, requests under way finish and idle keep-alive connections do not hold the process.
    forceCloseConnections: "idle",
    // What the router cannot read never reaches the error handler below.
    frameworkErrors: (error, request, reply) => {
      const { status, body } = httpFailureOf(error, request.id);
      void (reply as FastifyReply)
        .headers(headers)
        .header("x-request-id", request.id)
        .status(status)
        .send(body);
    },
  });

  const connections = new Connections(app.server, deps.connections);
  app.addHook("preClose", async () => connections.endSilent());
  answerForNode(app.server, headers);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers).header("x-request-id", request.id);
    const problem = hostProblem(request.raw);
    if (problem !== undefined) {
      const { status, body } = failure("BAD_REQUEST", problem, request.id);
      return reply.status(status).header("connection", "close").send(body);
    }
    if (deps.isReady() || request.url.startsWith(HEALTH_PATH)) return;
    const { status, body } = failure("SHUTTING_DOWN", "The gateway is stopping. Send it again.", request.id);
    return reply.status(status).send(body);
  });
  if (deps.hostnames !== undefined) answerOnlyTo(app, deps.hostnames);
  app.addHook("onSend", async (_request, reply, payload) => {
    // A connection that outlived its last answer would hold the stop until it times out.
    if (!deps.isReady()) reply.header("connection", "close");
    return payload;
  });
  readJsonBodies(app);
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = httpFailureOf(error as Parameters<typeof httpFailureOf>[0], request.id);
    if (status >= 500) deps.logger.report("http.request_failed", { err: error, requestId: request.id });
    return reply.status(status).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    // A method that Fastify has no route for.
    if (request.url.split("?", 1)[0] === GRAPHQL_PATH) return refuseMethod(request, reply);
    const { status, body } = failure(
      "NOT_FOUND",
      `Nothing is here. GraphQL is at ${GRAPHQL_PATH}.`,
      request.id,
    );
    return reply.status(status).send(body);
  });

  app.get(`${HEALTH_PATH}live`, async () => ({ status: "live" }));
  app.get(`${HEALTH_PATH}ready`, async (_request, reply) => {
    const ready = deps.isReady();
    return reply.status(ready ? 200 : 503).send({ status: ready ? "ready" : "stopping" });
  });

  if (deps.playground !== undefined) {
    await registerPlayground(app, { ...deps.playground, graphqlPath: GRAPHQL_PATH });
    app.get("/", (_request, reply) => reply.redirect(`.${GRAPHQL_PATH}`));
  }
  registerGraphQLRoute(app, { ...deps, path: GRAPHQL_PATH });
  return app;
}

/** Fastify's types tell a server of HTTPS from one of HTTP, which makes no difference to anything here. */
function serverOptions(tls: TlsMaterial | undefined): FastifyHttpOptions<Server> {
  const limits = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    // Looked at in a hook: Node would answer without a body and without our headers.
    requireHostHeader: false,
  };
  if (tls === undefined) return { http: limits };
  return { https: { ...limits, handshakeTimeout: HEADERS_TIMEOUT_MS, ...tls } } as FastifyHttpOptions<Server>;
}
