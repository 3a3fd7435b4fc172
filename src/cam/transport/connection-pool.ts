import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import { type Clock, within } from "../../clock.ts";
import type { Secret } from "../../secret.ts";

/** The values of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. The URLs may contain a password. */
export interface ProxySettings {
  readonly http?: Secret;
  readonly https?: Secret;
  readonly except?: string;
}

interface DispatcherOptions {
  readonly proxy?: ProxySettings;
}

/** Enough for CAM's limit at any usual latency: 20 calls a second of 1.5 seconds each use 30 connections. */
const MAX_CONNECTIONS = 32;

/** The time for which an idle connection stays open. A new connection would cost the next change a TLS handshake. */
const KEEP_ALIVE_MS = 30_000;

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Creates a pool of keep-alive connections that verifies TLS certificates. Uses only HTTP/1.1, which sends one request
 * at a time on a connection, so a broken connection fails exactly one call. undici's own reply timeouts are off,
 * because the transport has its own.
 */
export function createDispatcher(options: DispatcherOptions = {}): Dispatcher {
  const common = {
    connections: MAX_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  };
  const { proxy } = options;
  if (proxy?.http === undefined && proxy?.https === undefined) return new Agent(common);
  return new EnvHttpProxyAgent({
    ...common,
    // Empty strings prevent undici from reading process.env, which only the configuration reads.
    httpProxy: proxy.http?.reveal() ?? "",
    httpsProxy: (proxy.https ?? proxy.http)?.reveal() ?? "",
    noProxy: proxy.except ?? "",
  });
}

/** The most connections to open in advance: the calls of one action in one second, at CAM's usual limit. */
const MAX_PRECONNECTED = 20;

/** The longest wait for a connection. Then the call continues, and its own request reports the fault. */
const LONGEST_WAIT_MS = 1_000;

/**
 * An empty body. It makes undici delay a request by a microtask, so that requests of one tick get separate connections.
 */
const NO_BODY: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

/**
 * Opens connections before calls need them, because opening a connection may take longer than a slot of the quota
 * lasts. undici has no method for this. The opener dispatches a request and throws before undici writes it. undici
 * keeps the connection.
 */
export class ConnectionOpener {
  readonly #dispatcher: Dispatcher;
  readonly #connections: OpenConnections;
  readonly #clock: Clock;
  /** The number of calls that need a connection, by origin. */
  readonly #waiting = new Map<string, number>();
  readonly #opening = new Map<string, Set<Promise<void>>>();

  constructor(dispatcher: Dispatcher, connections: OpenConnections, clock: Clock) {
    this.#dispatcher = dispatcher;
    this.#connections = connections;
    this.#clock = clock;
  }

  /**
   * Resolves when a connection is free for one more call, when opening it fails, or after LONGEST_WAIT_MS. Reserves the
   * connection until the call runs the returned function.
   */
  async preconnect(origin: string, withinMs: number): Promise<() => void> {
    this.#count(origin, 1);
    const opening = this.#openingTo(origin);
    const free = this.#connections.free(origin);
    const missing = Math.min(MAX_PRECONNECTED, this.#waiting.get(origin) ?? 0) - free - opening.size;
    // undici uses free connections first, so opening new ones takes one more request for each free connection.
    if (missing > 0) for (let request = 0; request < free + missing; request++) this.#open(origin);
    if (free === 0 || missing > 0) {
      const waitMs = Math.min(withinMs, LONGEST_WAIT_MS);
      await within(
        this.#clock,
        waitMs,
        Promise.all(opening).then(() => undefined),
        () => undefined,
      );
    }
    let isOver = false;
    return () => {
      if (!isOver) this.#count(origin, -1);
      isOver = true;
    };
  }

  #open(origin: string): void {
    const opening = this.#openingTo(origin);
    const { promise, resolve } = Promise.withResolvers<void>();
    opening.add(promise);
    const done = (): void => {
      opening.delete(promise);
      resolve();
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {
        done();
        throw new Error("This request only opens a connection.");
      },
      onResponseStart: () => undefined,
      onResponseData: () => undefined,
      onResponseEnd: done,
      onResponseError: done,
    };
    try {
      this.#dispatcher.dispatch({ origin, path: "/", method: "POST", body: NO_BODY as never }, handler);
    } catch {
      done();
    }
  }

  #openingTo(origin: string): Set<Promise<void>> {
    const opening = this.#opening.get(origin) ?? new Set();
    this.#opening.set(origin, opening);
    return opening;
  }

  #count(origin: string, change: number): void {
    this.#waiting.set(origin, (this.#waiting.get(origin) ?? 0) + change);
  }
}

/**
 * Counts the open connections to each origin, and those in use. undici's `stats` return the same numbers, but visit all
 * connections of all origins each time.
 */
export class OpenConnections {
  readonly #open = new Map<string, number>();
  readonly #used = new Map<string, number>();

  constructor(dispatcher: Dispatcher) {
    dispatcher.on("connect", ({ origin }) => add(this.#open, origin, 1));
    dispatcher.on("disconnect", ({ origin }) => add(this.#open, origin, -1));
  }

  /** Counts a connection as used until the caller runs the returned function. */
  use(origin: string): () => void {
    add(this.#used, origin, 1);
    return () => add(this.#used, origin, -1);
  }

  /**
   * Returns the number of open connections that are not in use. It is 0 for a dispatcher that reports no connections.
   */
  free(origin: string): number {
    return Math.max(0, (this.#open.get(origin) ?? 0) - (this.#used.get(origin) ?? 0));
  }
}

function add(counts: Map<string, number>, origin: string, change: number): void {
  counts.set(origin, (counts.get(origin) ?? 0) + change);
}
