import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { rawAnswer } from "./client-error.ts";
import { failure } from "./http-errors.ts";
import { requestIdOf } from "./request-id.ts";
import type { SecurityHeaders } from "./security-headers.ts";

/** RFC 9112, section 3.2: what a URI can have for its host and port. */
const HOST = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/** Answers, in the form of all other errors, what Node would refuse by itself with an empty answer or none. */
export function answerForNode(server: Server, headers: SecurityHeaders): void {
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    const requestId = requestIdOf(request);
    const { status, body } = failure("EXPECTATION_FAILED", "Leave out the Expect header.", requestId);
    const text = JSON.stringify(body);
    response
      .writeHead(status, {
        ...headers,
        "x-request-id": requestId,
        "content-type": "application/json; charset=utf-8",
        "content-length": Buffer.byteLength(text),
        connection: "close",
      })
      .end(text);
  });
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => undefined);
    socket.end(rawAnswer("METHOD_NOT_ALLOWED", "This is no proxy: CONNECT leads nowhere.", headers));
  });
}

/** What is wrong with the Host header, which Node checks too, but answers without a body; undefined where it is right. */
export function hostProblem({ rawHeaders, httpVersion, headers }: IncomingMessage): string | undefined {
  const count = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host").length;
  if (count > 1 || (count === 0 && httpVersion !== "1.0")) return "Send one Host header.";
  return HOST.test(headers.host ?? "") ? undefined : "The Host header is no host.";
}
