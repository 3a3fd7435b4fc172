import { randomUUID } from "node:crypto";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { HttpErrorCode } from "./http-error-catalogue.ts";
import { failure } from "./http-errors.ts";
import type { SecurityHeaders } from "./security-headers.ts";

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
export function rawAnswer(code: HttpErrorCode, message: string, headers: SecurityHeaders): string {
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
