import type { Socket } from "node:net";

/** Node's parser gave up before there was a request; https://nodejs.org/api/http.html#event-clienterror */
const ANSWERS: Readonly<Record<string, readonly [status: string, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "HEADERS_TOO_LARGE",
    "The request headers are larger than 16 KiB.",
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    "408 Request Timeout",
    "REQUEST_TIMEOUT",
    "The request took too long to arrive.",
  ],
};

const UNREADABLE = ["400 Bad Request", "BAD_REQUEST", "The request cannot be read."] as const;

/** Answers what never became a request in the form of all other errors, and ends its connection. */
export function refuseUnreadable(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] = ANSWERS[error.code ?? ""] ?? UNREADABLE;
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
