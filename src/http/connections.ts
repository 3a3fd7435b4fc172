import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { addressKey } from "./caller-rate.ts";

/** `address`: the address already has its share of the connections. `total`: all connections are in use. */
type ConnectionRefusal = "address" | "total";

interface ConnectionObserver {
  /** Receives the first refusal of its kind, and then at most one count of further refusals a minute. */
  onConnectionsRefused(kind: ConnectionRefusal, address: string, count: number): void;
}

export interface ConnectionLimits {
  /** The maximum of open connections. One address may have a quarter of them. */
  readonly maxConnections: number;
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

/** A browser opens two connections together. */
const MIN_PER_ADDRESS = 2;

/**
 * Limits a server's connections. Closes a new connection beyond the share of its address. If all connections are in
 * use, closes the connection that has been idle for longest. An unfinished TLS handshake or request counts as idle.
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
  }

  /** Returns the unfinished responses on the connection of a socket, by their requests. */
  exchangesOn(socket: Socket): ReadonlyMap<IncomingMessage, ServerResponse> {
    return this.#open.get(idOf(socket))?.exchanges ?? new Map();
  }

  /**
   * Closes connections that never received a byte. Browsers open them before they need them. Node does not count them
   * as idle, so one of them would keep the process running.
   */
  closeUnused(): void {
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
