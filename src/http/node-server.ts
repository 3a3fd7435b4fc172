import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { failure, type HttpErrorCode } from "./http-errors.ts";
import type { SecurityHeaders } from "./security-headers.ts";

/** What may travel into logs and CAM's trace id as it is. */
const ACCEPTABLE = /^[\w.:-]{1,64}$/;

/** The caller's X-Request-Id where it is harmless, so that one id spans all hops; otherwise a new one. */
export function requestIdOf(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && ACCEPTABLE.test(given) ? given : randomUUID();
}

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

/** Node's parser gave up before there was a request; https://nodejs.org/api/http.html#event-clienterror */
const ANSWERS: Readonly<Record<string, readonly [code: HttpErrorCode, message: string]>> = {
  HPE_HEADER_OVERFLOW: ["HEADERS_TOO_LARGE", "The request headers are larger than 32 KiB."],
  ERR_HTTP_REQUEST_TIMEOUT: ["REQUEST_TIMEOUT", "The request took too long to arrive."],
};

const UNREADABLE = ["BAD_REQUEST", "The request cannot be read."] as const;

/**
 * Answers what never became a request in the form of all other errors, and ends its connection. An answer that the
 * connection still waits for goes first: a change that was made must not be told to be unreadable.
 */
export function refuseUnreadable(
  error: { readonly code?: string },
  socket: Socket,
  headers: SecurityHeaders,
  exchanges: ReadonlyMap<IncomingMessage, ServerResponse>,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer = rawAnswer(...(ANSWERS[error.code ?? ""] ?? UNREADABLE), headers);
  const [, before] =
    [...exchanges].findLast(([{ complete }, { headersSent }]) => complete || headersSent) ?? [];
  if (before === undefined) socket.end(answer);
  else if (before.writableFinished) socket.end(answer);
  else before.once("finish", () => socket.end(answer));
}

/** An answer with its headers, for a connection that has no response of Node's. */
function rawAnswer(code: HttpErrorCode, message: string, headers: SecurityHeaders): string {
  const requestId = randomUUID();
  const { status, body } = failure(code, message, requestId);
  const text = JSON.stringify(body);
  const fields = Object.entries({
    ...headers,
    "x-request-id": requestId,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields.join("")}\r\n${text}`;
}
