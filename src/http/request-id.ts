import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What may travel into logs and CAM's trace id as it is. */
const ACCEPTABLE = /^[\w.:-]{1,64}$/;

/** The caller's X-Request-Id where it is harmless, so that one id spans all hops; otherwise a new one. */
export function requestIdOf(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && ACCEPTABLE.test(given) ? given : randomUUID();
}
