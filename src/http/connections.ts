import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { addressKey } from "./caller-rate.ts";

/** `address`: one address has its part of all connections. `total`: every connection is in use. */
export type ConnectionRefusal = "address" | "total";

export interface ConnectionObserver {
  /** The first refusal of its kind, and from then on those of each minute together. */
  onConnectionsRefused(kind: ConnectionRefusal, address: string, count: number): void;
}

export interface ConnectionLimits {
  /** Open connections. One address has a quarter of them. */
  readonly maxConnections: number;
  /** Whether an address is a proxy, which connects for many clients and has no part of its own. */
  readonly isProxy: (address: string) => boolean;
  readonly clock: Clock;
  readonly observer: ConnectionObserver;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  readonly isProxy: boolean;
  /** Answers that are not finished, by their requests. */
  readonly exchanges: Map<IncomingMessage, ServerResponse>;
}

const REPORT_EVERY_MS = 60_000;

/** A browser opens two connections at once, however few an operator allows. */
const LEAST_OF_ADDRESS = 2;

/**
 * Keeps count of a server's connections. A connection beyond the part of its address is closed as it comes. Where every
 * connection is in use, the one that has been idle for longest makes room, which a half-open TLS handshake and half a
 * request are as well.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #mostOfAddress: number;
  /** By both ends of the connection: over TLS, requests have another socket than the one that was accepted. */
  readonly #open = new Map<string, Connection>();
  readonly #perAddress = new Map<string, number>();
  /** In the order in which they became idle. */
  readonly #idle = new Set<Connection>();
  readonly #reports = new Map<ConnectionRefusal, { lastMs: number; count: number }>();

  constructor(server: Server, limits: ConnectionLimits) {
    this.#limits = limits;
    this.#mostOfAddress = Math.max(LEAST_OF_ADDRESS, Math.floor(limits.maxConnections / 4));
    // Before the server's own listener, which makes a parser or a TLS session.
    server.prependListener("connection", (socket: Socket) => this.#accept(socket));
    server.prependListener("request", (request, response) => this.#begin(request, response));
  }

  /** The answers that are not finished on the connection of a socket, by their requests. */
  exchangesOn(socket: Socket): ReadonlyMap<IncomingMessage, ServerResponse> {
    return this.#open.get(idOf(socket))?.exchanges ?? new Map();
  }

  /**
   * Ends the connections over which nothing was ever sent. Browsers open such ahead of use, and Node counts them neither as
   * idle nor as done, so that one of them would keep the process for ever.
   */
  closeUnused(): void {
    for (const { socket } of this.#open.values()) if (socket.bytesRead === 0) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { remoteAddress } = socket;
    // It is gone already.
    if (remoteAddress === undefined) return;
    const address = addressKey(remoteAddress);
    const isProxy = this.#limits.isProxy(remoteAddress);
    const ofAddress = this.#perAddress.get(address) ?? 0;
    if (!isProxy && ofAddress >= this.#mostOfAddress) {
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

  /** Closes one connection that nobody waits at, those of proxies last. @returns whether there was one. */
  #makeRoom(): boolean {
    const idle = [...this.#idle];
    const oldest = idle.find(({ isProxy }) => !isProxy) ?? idle[0] ?? this.#oldestUpload();
    oldest?.socket.destroy();
    return oldest !== undefined;
  }

  /** A request whose body is still on its way, and may be for long. */
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
