import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { errorResponse, HttpError } from "./http-errors.ts";
import type { SecurityHeaders } from "./security-headers.ts";

/** Characters that are safe in a log and in CAM's trace id. */
const SAFE_REQUEST_ID = /^[\w.:-]{1,64}$/;

/**
 * Returns the caller's X-Request-Id, so that one id spans all hops. Returns a new id if the header is missing or
 * unsafe.
 */
export function requestIdOf(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && SAFE_REQUEST_ID.test(given) ? given : randomUUID();
}

/** The characters of a host and port in a URI (RFC 9112, section 3.2). */
const HOST = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/** Rejects a request with a missing, repeated or malformed Host header. Node's own check answers without a body. */
export function checkHost({ rawHeaders, httpVersion, headers }: IncomingMessage): void {
  const count = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host").length;
  const isMissing = count === 0 && httpVersion !== "1.0";
  if (count <= 1 && !isMissing && HOST.test(headers.host ?? "")) return;
  const message =
    count > 1 || isMissing ? "Send one Host header." : "The Host header is not a valid host name.";
  throw new HttpError("BAD_REQUEST", message, { connection: "close" });
}

/** Answers requests that Node would otherwise answer itself, without a body. */
export function answerNodeEvents(server: Server, headers: SecurityHeaders): void {
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    const error = new HttpError("EXPECTATION_FAILED", "Remove the Expect header.");
    const { status, fields, text } = plainResponse(error, headers, requestIdOf(request));
    response.writeHead(status, fields).end(text);
  });
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => undefined);
    const error = new HttpError("METHOD_NOT_ALLOWED", "The gateway is not a proxy. Do not send CONNECT.");
    socket.end(rawResponse(error, headers));
  });
}

/** The errors of Node's parser: https://nodejs.org/api/http.html#event-clienterror */
const PARSER_ERRORS: Readonly<Record<string, HttpError>> = {
  HPE_HEADER_OVERFLOW: new HttpError("HEADERS_TOO_LARGE", "The request headers are larger than 32 KiB."),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError("REQUEST_TIMEOUT", "The request took too long to arrive."),
};

const UNREADABLE = new HttpError("BAD_REQUEST", "The gateway cannot read the request.");

/**
 * Answers bytes that Node's parser rejects, and ends the connection. First waits for a response that is due on this
 * connection, because the caller must receive the outcome of a change instead of this error.
 */
export function answerParserError(
  error: { readonly code?: string },
  socket: Socket,
  headers: SecurityHeaders,
  exchanges: ReadonlyMap<IncomingMessage, ServerResponse>,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const response = rawResponse(PARSER_ERRORS[error.code ?? ""] ?? UNREADABLE, headers);
  const [, due] = [...exchanges].findLast(([{ complete }, { headersSent }]) => complete || headersSent) ?? [];
  if (due === undefined || due.writableFinished) socket.end(response);
  else due.once("finish", () => socket.end(response));
}

/** Returns a response as bytes, for a socket that has no ServerResponse. */
function rawResponse(error: HttpError, headers: SecurityHeaders): string {
  const { status, fields, text } = plainResponse(error, headers, randomUUID());
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${text}`;
}

/** Returns the response of an error with all its headers, which Fastify adds to other responses. */
function plainResponse(error: HttpError, headers: SecurityHeaders, requestId: string) {
  const { status, body } = errorResponse(error, requestId);
  const text = JSON.stringify(body);
  const fields = {
    ...headers,
    "x-request-id": requestId,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    connection: "close",
  };
  return { status, fields, text };
}
