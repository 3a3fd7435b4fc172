import { type FastifyInstance, fastify } from "fastify";
import type { Health } from "../telemetry/health.ts";
import { checkHostname } from "./app.ts";
import { errorResponse, HttpError } from "./http-errors.ts";
import { securityHeaders } from "./security-headers.ts";

/** The running release. */
export interface Version {
  readonly version: string;
  /** The commit of the build, or `unknown`. */
  readonly commit: string;
  /** SHA-256 of schema/subgraph.graphql. */
  readonly schemaHash: string;
  readonly uptimeSeconds: number;
}

interface AdminAppDeps {
  readonly health: Health;
  readonly version: () => Version;
  /** The accepted host names. Undefined for any. */
  readonly hostnames: readonly string[] | undefined;
}

/** Creates the app of the admin port: health, metrics and the version, without authentication. */
export function createAdminApp({ health, version, hostnames }: AdminAppDeps): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
  const headers = securityHeaders(false);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    if (hostnames !== undefined) checkHostname(request.headers.host, hostnames);
  });
  app.setErrorHandler<HttpError>((error, request, reply) => {
    const { status, body } = errorResponse(error, request.id);
    return reply.status(status).send(body);
  });
  app.setNotFoundHandler(() => {
    throw new HttpError(
      "NOT_FOUND",
      "Not found. The admin port serves /health/ready, /metrics and /version.",
    );
  });
  app.get("/health/live", async () => ({ status: "live" }));
  app.get("/health/startup", async (_request, reply) => {
    const { hasStarted } = health;
    return reply.status(hasStarted ? 200 : 503).send({ status: hasStarted ? "started" : "starting" });
  });
  app.get("/health/ready", async (_request, reply) => {
    const { status, isReady, parts } = health.read();
    return reply.status(isReady ? 200 : 503).send({ status, parts });
  });
  app.get("/version", async () => version());
  return app;
}
