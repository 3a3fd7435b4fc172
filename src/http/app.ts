/**
 * The HTTP edge: limits, security headers, request ids, health probes, the playground, and the GraphQL route. Creates
 * every response that Apollo does not create. Does not depend on operations or CAM. Read graphql/graphql-route.ts next,
 * which lists the steps of a request.
 */

import type { Server } from "node:http";
import type { Socket } from "node:net";
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import type { Logger } from "../telemetry/logger.ts";
import { currentOperation, Operation } from "../telemetry/operation.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { type ConsoleOptions, registerConsole } from "./console/console.ts";
import { readJsonBodies } from "./graphql/graphql-request.ts";
import { type GraphQLRouteOptions, registerGraphQLRoute, rejectMethod } from "./graphql/graphql-route.ts";
import { type ErrorResponse, errorResponse, HttpError } from "./http-errors.ts";
import {
  answerNodeEvents,
  answerParserError,
  type ConnectionLimits,
  Connections,
  requestIdOf,
  requireValidHost,
} from "./node-server.ts";
import { type PlaygroundOptions, registerPlayground } from "./playground/playground.ts";
import { securityHeaders } from "./security-headers.ts";
import type { TlsMaterial } from "./tls.ts";

/** A rollout may list 100,000 users, in 2.3 MB. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Room for the longest bearer token (24 KiB, src/auth/token-verifier.ts) and 8 KiB of other headers. */
export const MAX_HEADER_BYTES = 32 * 1024;

/** The longest time for the headers, and for a whole request. An honest client on a bad connection needs less. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;

/** The time between two searches for requests that have timed out. Node's default is 30 s. */
const TIMEOUT_CHECK_MS = 1_000;

export const GRAPHQL_PATH = "/graphql";
const HEALTH_PATH = "/health/";

export interface HttpAppDeps extends Omit<GraphQLRouteOptions, "path" | "answerBrowser"> {
  /** The accepted host names. Undefined for any. */
  readonly hostnames: readonly string[] | undefined;
  /** Undefined for plain HTTP. */
  readonly tls: TlsMaterial | undefined;
  readonly connections: ConnectionLimits;
  /** The time for which a connection may wait for its next request. */
  readonly keepAliveMs: number;
  /** If it is undefined, the gateway serves no page, and browsers get the responses of every client. */
  readonly playground: Omit<PlaygroundOptions, "graphqlPath"> | undefined;
  /** If it is undefined, the gateway serves no console. */
  readonly console: ConsoleOptions | undefined;
  readonly logger: Logger;
}

/** Creates the Fastify app: GraphQL on one path, the playground on the same path for browsers, the console, two health probes. */
export async function createHttpApp(deps: HttpAppDeps): Promise<FastifyInstance> {
  const headers = securityHeaders(deps.tls !== undefined);
  const { health } = deps.telemetry;
  const app: FastifyInstance = fastify({
    loggerInstance: deps.logger.forLibrary("fastify") as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: deps.keepAliveMs,
    ...serverOptions(deps.tls),
    clientErrorHandler: (error, socket) =>
      answerParserError(error, socket as Socket, headers, connections.exchangesOn(socket as Socket)),
    // On stop, the gateway answers what arrives on open connections, and then closes them (see Connections).
    return503OnClosing: false,
    // Fastify runs neither the hooks nor the error handler below for a path that its router cannot read.
    frameworkErrors: (error, request, reply) => {
      void (reply as FastifyReply).headers(headers).header("x-request-id", request.id);
      sendError(error, request.id, reply as FastifyReply);
    },
  });

  const connections = new Connections(app.server, deps.connections);
  answerNodeEvents(app.server, headers);
  const scheme = deps.tls === undefined ? "http" : "https";
  const countError = observeRequests(app, deps.telemetry, { path: GRAPHQL_PATH, scheme });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers).header("x-request-id", request.id);
    requireValidHost(request.raw);
    if (deps.hostnames !== undefined) requireKnownHostname(request.headers.host, deps.hostnames);
  });
  app.addHook("onSend", async (_request, reply, payload) => {
    // A connection that stays open after its last response would delay the stop until it times out.
    if (!health.isServing) reply.header("connection", "close");
    return payload;
  });
  readJsonBodies(app);
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { errors } = sendError(error, request.id, reply);
    countError(request, errors[0].extensions.code);
    if (errors[0].extensions.code === "INTERNAL") {
      deps.logger.report("http.request_failed", { err: error, requestId: request.id });
    }
  });
  app.setNotFoundHandler((request) => {
    // Fastify has no route for this method.
    if (request.url.split("?", 1)[0] === GRAPHQL_PATH) rejectMethod();
    throw new HttpError("NOT_FOUND", `Not found. The GraphQL endpoint is ${GRAPHQL_PATH}.`);
  });

  app.get(`${HEALTH_PATH}live`, async () => ({ status: "live" }));
  app.get(`${HEALTH_PATH}ready`, async (_request, reply) => {
    // The admin port also shows the parts, whose names are not for callers.
    const { status, isReady } = health.read();
    return reply.status(isReady ? 200 : 503).send({ status });
  });

  let answerBrowser: GraphQLRouteOptions["answerBrowser"];
  if (deps.playground !== undefined) {
    answerBrowser = await registerPlayground(app, { ...deps.playground, graphqlPath: GRAPHQL_PATH });
    app.get("/", (_request, reply) => reply.redirect(`.${GRAPHQL_PATH}`));
  }
  if (deps.console !== undefined) await registerConsole(app, deps.console);
  registerGraphQLRoute(app, { ...deps, path: GRAPHQL_PATH, answerBrowser });
  return app;
}

/**
 * Rejects other host names. A page can point its own name at a loopback address (DNS rebinding) and would then share
 * the origin of a gateway on this machine. The page cannot change the Host header.
 */
export function requireKnownHostname(host: string | undefined, hostnames: readonly string[]): void {
  const hostname = (host ?? "").replace(/:\d*$/, "").toLowerCase();
  if (hostnames.includes(hostname)) return;
  throw new HttpError(
    "MISDIRECTED_REQUEST",
    `In local mode the gateway answers only to ${hostnames.join(", ")}.`,
  );
}

function sendError(error: FastifyError, requestId: string, reply: FastifyReply): ErrorResponse["body"] {
  const { status, headers, body } = errorResponse(error, requestId);
  void reply.status(status).headers(headers).send(body);
  return body;
}

/** Returns the options of the server. Fastify has different types for HTTP and HTTPS, which this file does not need. */
function serverOptions(tls: TlsMaterial | undefined): FastifyHttpOptions<Server> {
  const limits = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    // requireValidHost does this. Node would answer without a body and without the gateway's headers.
    requireHostHeader: false,
  };
  if (tls === undefined) return { http: limits };
  return { https: { ...limits, handshakeTimeout: HEADERS_TIMEOUT_MS, ...tls } } as FastifyHttpOptions<Server>;
}

interface ObservedRoute {
  readonly path: string;
  readonly scheme: "http" | "https";
}

/** The methods of the route. All others count as one, because a client can invent them. */
const METHODS: readonly string[] = ["GET", "POST"];

/**
 * Follows each request to the GraphQL route as an Operation, and reports it at its end: its span, its duration and its
 * category. Registers hooks, so call it before other hooks that may reject a request.
 *
 * @returns a function that counts an error of a request outside GraphQL.
 */
export function observeRequests(
  app: FastifyInstance,
  { metrics, spans }: Pick<Telemetry, "metrics" | "spans">,
  { path, scheme }: ObservedRoute,
): (request: FastifyRequest, code: string) => void {
  const operations = new WeakMap<FastifyRequest, Operation>();
  app.addHook("onRequest", (request, _reply, done) => {
    if (request.routeOptions.url !== path) return done();
    const method = methodOf(request);
    const span = spans?.startServer(`${method} ${path}`, request.headers, {
      "http.request.method": method,
      "http.route": path,
      "url.path": path,
      "url.scheme": scheme,
      "gateway.request_id": request.id,
    });
    const operation = new Operation(request.id, span);
    operations.set(request, operation);
    return currentOperation.run(operation, done);
  });
  // The bytes of a body arrive outside the request's context.
  app.addHook("preHandler", (request, _reply, done) => {
    const operation = operations.get(request);
    return operation === undefined ? done() : currentOperation.run(operation, done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const operation = operations.get(request);
    if (operation !== undefined) {
      const { category, type, refusals } = operation;
      const { statusCode, elapsedTime } = reply;
      const labels = { "http.request.method": methodOf(request), "http.response.status_code": statusCode };
      metrics.record("http.server.request.duration", elapsedTime / 1_000, {
        ...{ ...labels, "http.route": path, "url.scheme": scheme },
      });
      metrics.record("graphql.operations", 1, { "graphql.operation.type": type, category });
      metrics.record("graphql.operation.own_duration", operation.ownMs(elapsedTime) / 1_000, {
        "graphql.operation.type": type,
      });
      for (const rule of refusals) metrics.record("refusals", 1, { rule });
      operation.end(statusCode);
    }
    done();
  });
  return (request, code) => operations.get(request)?.fail(code);
}

function methodOf({ method }: FastifyRequest): string {
  return METHODS.includes(method) ? method : "_OTHER";
}
