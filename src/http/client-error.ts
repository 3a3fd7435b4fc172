import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { HTTP_ERRORS, type HttpErrorCode } from "./http-error-catalogue.ts";
import type { SecurityHeaders } from "./security-headers.ts";

/** Node's parser gave up before there was a request; https://nodejs.org/api/http.html#event-clienterror */
const ANSWERS: Readonly<Record<string, readonly [code: HttpErrorCode, message: string]>> = {
  HPE_HEADER_OVERFLOW: ["HEADERS_TOO_LARGE", "The request headers are larger than 32 KiB."],
  ERR_HTTP_REQUEST_TIMEOUT: ["REQUEST_TIMEOUT", "The request took too long to arrive."],
};

const UNREADABLE = ["BAD_REQUEST", "The request cannot be read."] as const;

/** Answers what never became a request in the form of all other errors, and ends its connection. */
export function refuseUnreadable(
  error: { readonly code?: string },
  socket: Socket,
  headers: SecurityHeaders,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, message] = ANSWERS[error.code ?? ""] ?? UNREADABLE;
  const { status } = HTTP_ERRORS[code];
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  const fields = Object.entries({
    ...headers,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields.join("")}\r\n${body}`);
}
