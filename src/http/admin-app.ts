import { BlockList, isIP } from "node:net";
import { type FastifyInstance, fastify } from "fastify";
import type { Health } from "../telemetry/health.ts";
import { type Logger, RUN_TIME_LEVELS } from "../telemetry/logger.ts";
import type { PrometheusText } from "../telemetry/metrics.ts";
import { requireKnownHostname } from "./app.ts";
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
  readonly metrics: PrometheusText;
  readonly logger: Pick<Logger, "setLevel">;
  readonly version: () => Version;
  /** The accepted host names. Undefined for any. */
  readonly hostnames: readonly string[] | undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** Creates the app of the admin port: health, metrics and the version, without authentication. */
export function createAdminApp({
  health,
  metrics,
  logger,
  version,
  hostnames,
}: AdminAppDeps): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
  const headers = securityHeaders(false);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    if (hostnames !== undefined) requireKnownHostname(request.headers.host, hostnames);
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
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.read()));
  app.put("/log-level", async (request, reply) => {
    // A caller that could silence the log could hide an attack.
    if (!LOOPBACK.check(request.ip, isIP(request.ip) === 6 ? "ipv6" : "ipv4")) {
      return reply.status(403).send({ error: "Send the request from the gateway's own machine or pod." });
    }
    const { level } = (request.body ?? {}) as { readonly level?: unknown };
    const known = RUN_TIME_LEVELS.find((each) => each === level);
    if (known === undefined) {
      throw new HttpError(
        "BAD_REQUEST",
        `Send {"level": "info"}, or another of ${RUN_TIME_LEVELS.join(", ")}.`,
      );
    }
    logger.setLevel(known);
    return { level };
  });
  return app;
}
