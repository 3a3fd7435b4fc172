import type { FastifyInstance, FastifyRequest } from "fastify";
import { currentOperation, Operation } from "../telemetry/operation.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

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
