import type { FastifyInstance } from "fastify";
import { failure } from "./http-errors.ts";

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
