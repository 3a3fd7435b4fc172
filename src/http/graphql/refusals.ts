import type { FastifyReply, FastifyRequest } from "fastify";
import type { Refusal } from "../../auth/authenticator.ts";
import { createCamErrorExtensions, describeCamError } from "../../contract/index.ts";
import type { HttpErrorCode } from "../http-error-catalogue.ts";
import { failure } from "../http-errors.ts";
import type { RequestProblem } from "./graphql-request.ts";

export function refuseProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  { problem, code = "BAD_REQUEST" }: RequestProblem,
): FastifyReply {
  return refuse(request, reply, code, problem);
}

export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  code: HttpErrorCode,
  message: string,
): FastifyReply {
  const { status, body } = failure(code, message, request.id);
  return reply.status(status).send(body);
}

/**
 * The whole operation, for who sends a proof does not mean to be anonymous. HTTP 200 as for every business error;
 * clients that renew tokens look for the header (RFC 6750, section 3).
 */
export function refuseRejectedToken(
  request: FastifyRequest,
  reply: FastifyReply,
  { refusal, retryAfterMs, code }: Refusal,
): FastifyReply {
  if (code !== undefined) return refuse(request, reply, code, refusal);
  // No challenge: at one, clients take a token for bad that may be good.
  if (retryAfterMs !== undefined) {
    const { message } = describeCamError("ISSUER_UNAVAILABLE");
    const extensions = createCamErrorExtensions("ISSUER_UNAVAILABLE", {
      requestId: request.id,
      retryAfterMs,
    });
    return reply
      .status(200)
      .header("cache-control", "no-store")
      .send({ errors: [{ message: `${message} ${refusal}`, extensions }] });
  }
  const { message } = describeCamError("UNAUTHENTICATED");
  const extensions = createCamErrorExtensions("UNAUTHENTICATED", { requestId: request.id });
  return reply
    .status(200)
    .headers({ "www-authenticate": 'Bearer error="invalid_token"', "cache-control": "no-store" })
    .send({ errors: [{ message: `${message} ${refusal}`, extensions }] });
}

/** Like every business error with HTTP 200, because some routers make another error of a 429, or send it again. */
export function refuseBusyCaller(
  request: FastifyRequest,
  reply: FastifyReply,
  retryAfterMs: number,
): FastifyReply {
  const { message } = describeCamError("CALLER_RATE_LIMITED");
  const extensions = createCamErrorExtensions("CALLER_RATE_LIMITED", { requestId: request.id, retryAfterMs });
  return reply.status(200).send({ errors: [{ message, extensions }] });
}
