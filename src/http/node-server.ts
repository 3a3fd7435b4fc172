import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../clock.ts";
import { addressKey } from "./caller-rate.ts";
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
export function requireValidHost({ rawHeaders, httpVersion, headers }: IncomingMessage): void {
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

/** `address`: the address already has its share of the connections. `total`: all connections are in use. */
type ConnectionRefusal = "address" | "total";

interface ConnectionObserver {
  /** Receives the first refusal of its kind, and then at most one count of further refusals a minute. */
  onConnectionsRefused(kind: ConnectionRefusal, address: string, count: number): void;
}

export interface ConnectionLimits {
  /** The maximum of open connections. One address may have a quarter of them. */
  readonly maxConnections: number;
  /** After a stop, connections whose response is not complete by then are closed. */
  readonly longestAnswerMs: number;
  /** Returns whether an address is a proxy. A proxy connects for many clients, so its share has no limit. */
  readonly isProxy: (address: string) => boolean;
  readonly clock: Clock;
  readonly observer: ConnectionObserver;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  readonly isProxy: boolean;
  /** Unfinished responses by their requests. */
  readonly exchanges: Map<IncomingMessage, ServerResponse>;
}

const REPORT_EVERY_MS = 60_000;

/** How long idle connections stay open after a stop. A proxy keeps them open, and sends requests until it notices. */
const LINGER_MS = 500;

/** A browser opens two connections together. */
const MIN_PER_ADDRESS = 2;

/**
 * Limits a server's connections. Closes a new connection beyond the share of its address. If all connections are in
 * use, closes the connection that has been idle for longest. An unfinished TLS handshake or request counts as idle. On
 * stop, idle connections stay open for half a second, so that a request on its way is answered.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #maxPerAddress: number;
  /** By the addresses of both ends, because over TLS a request has another socket than the accepted one. */
  readonly #open = new Map<string, Connection>();
  readonly #perAddress = new Map<string, number>();
  /** In the order of becoming idle. */
  readonly #idle = new Set<Connection>();
  readonly #reports = new Map<ConnectionRefusal, { lastMs: number; count: number }>();

  constructor(server: Server, limits: ConnectionLimits) {
    this.#limits = limits;
    this.#maxPerAddress = Math.max(MIN_PER_ADDRESS, Math.floor(limits.maxConnections / 4));
    // These run before the server's own listener, which creates a parser or a TLS session.
    server.prependListener("connection", (socket: Socket) => this.#accept(socket));
    server.prependListener("request", (request, response) => this.#begin(request, response));
    // Node calls this function when it stops listening. The next request may already be on its way on an idle connection.
    const closeIdle = server.closeIdleConnections.bind(server);
    server.closeIdleConnections = () => {
      let cancel = limits.clock.after(LINGER_MS, () => {
        this.#closeUnused();
        closeIdle();
        cancel = limits.clock.after(limits.longestAnswerMs, () => server.closeAllConnections());
      });
      server.once("close", () => cancel());
    };
  }

  /** Returns the unfinished responses on the connection of a socket, by their requests. */
  exchangesOn(socket: Socket): ReadonlyMap<IncomingMessage, ServerResponse> {
    return this.#open.get(idOf(socket))?.exchanges ?? new Map();
  }

  /**
   * Closes connections that never received a byte. Browsers open them before they need them. Node does not count them
   * as idle, so one of them would keep the process running.
   */
  #closeUnused(): void {
    for (const { socket } of this.#open.values()) if (socket.bytesRead === 0) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { remoteAddress } = socket;
    // The client has already closed the connection.
    if (remoteAddress === undefined) return;
    const address = addressKey(remoteAddress);
    const isProxy = this.#limits.isProxy(remoteAddress);
    const ofAddress = this.#perAddress.get(address) ?? 0;
    if (!isProxy && ofAddress >= this.#maxPerAddress) {
      this.#refuse(socket, "address", address);
      return;
    }
    if (this.#open.size >= this.#limits.maxConnections && !this.#makeRoom()) {
      this.#refuse(socket, "total", address);
      return;
    }
    const id = idOf(socket);
    const connection = { socket, address, isProxy, exchanges: new Map() };
    this.#open.set(id, connection);
    this.#perAddress.set(address, ofAddress + 1);
    this.#idle.add(connection);
    socket.once("close", () => this.#forget(id, connection));
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#open.get(idOf(request.socket));
    if (connection === undefined) return;
    connection.exchanges.set(request, response);
    this.#idle.delete(connection);
    response.once("close", () => {
      connection.exchanges.delete(request);
      if (connection.exchanges.size === 0 && !connection.socket.destroyed) this.#idle.add(connection);
    });
  }

  /** Closes one connection without a due response, a proxy's connection last. @returns whether it found one. */
  #makeRoom(): boolean {
    const idle = [...this.#idle];
    const oldest = idle.find(({ isProxy }) => !isProxy) ?? idle[0] ?? this.#oldestUpload();
    oldest?.socket.destroy();
    return oldest !== undefined;
  }

  /** Returns the oldest connection on which the body of every request is still arriving, except those of proxies. */
  #oldestUpload(): Connection | undefined {
    return [...this.#open.values()].find(({ isProxy, exchanges }) => {
      return !isProxy && [...exchanges.keys()].every(({ complete }) => !complete);
    });
  }

  #forget(id: string, connection: Connection): void {
    this.#open.delete(id);
    this.#idle.delete(connection);
    const left = (this.#perAddress.get(connection.address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(connection.address);
    else this.#perAddress.set(connection.address, left);
  }

  #refuse(socket: Socket, kind: ConnectionRefusal, address: string): void {
    socket.destroy();
    const { clock, observer } = this.#limits;
    const report = this.#reports.get(kind) ?? { lastMs: Number.NEGATIVE_INFINITY, count: 0 };
    this.#reports.set(kind, report);
    report.count += 1;
    if (clock.monotonic() - report.lastMs < REPORT_EVERY_MS) return;
    observer.onConnectionsRefused(kind, address, report.count);
    report.lastMs = clock.monotonic();
    report.count = 0;
  }
}

function idOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
