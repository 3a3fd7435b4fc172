import type { Dispatcher } from "undici";
import type { Clock } from "../../clock.ts";
import { utf8Text } from "../../utf8.ts";
import { ConnectionOpener, OpenConnections } from "./connection-pool.ts";

export interface TransportRequest {
  /** Scheme, host and port to connect to, for example `https://cam.tencentcloudapi.com`. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The longest time of the whole exchange, from connecting to the last byte of the reply. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when a connection is open, immediately before the transport writes the request. Not called if the post ends
   * earlier. Returns false to prevent the write. The post then fails with SLOT_MISSED.
   */
  readonly onSend?: () => boolean;
}

export interface TransportReply {
  readonly status: number;
  readonly contentType: string;
  /** The Date header, as text. */
  readonly date: string | undefined;
  /** Empty if the bytes are not UTF-8. A name with replacement characters would match no rule of a policy. */
  readonly body: string;
}

interface HttpTransportDeps {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
}

/** Larger than any reply: 50 profiles are about 20 kB. */
export const MAX_REPLY_BYTES = 2 * 1024 * 1024;

/**
 * Posts requests over undici. Uses the dispatcher instead of `request()`, because the gateway must find out whether it
 * sent a write. undici calls `onRequestStart` when the connection is open, before it writes the request.
 */
export class HttpTransport {
  readonly #deps: HttpTransportDeps;
  readonly #connections: OpenConnections;
  readonly #opener: ConnectionOpener;

  constructor(deps: HttpTransportDeps) {
    this.#deps = deps;
    this.#connections = new OpenConnections(deps.dispatcher);
    this.#opener = new ConnectionOpener(deps.dispatcher, this.#connections, deps.clock);
  }

  /**
   * Resolves when a connection is free for one more post, when opening it fails, or after a short wait. Never rejects.
   * Reserves the connection until the caller runs the returned function.
   */
  preconnect(origin: string, withinMs: number): Promise<() => void> {
    return this.#opener.preconnect(origin, withinMs);
  }

  /**
   * Posts one request. @throws TransportError without a complete reply. Its `sent` is false if CAM received nothing.
   */
  post(request: TransportRequest): Promise<TransportReply> {
    return new Promise((resolve, reject) => {
      if (request.signal?.aborted) {
        reject(new TransportError("ABORTED", { sent: false, cause: request.signal.reason }));
        return;
      }
      const release = this.#connections.use(request.origin);
      const exchange = new Exchange(this.#deps.clock, request, { resolve, reject, release });
      try {
        this.#deps.dispatcher.dispatch(
          { origin: request.origin, path: "/", method: "POST", headers: request.headers, body: request.body },
          exchange,
        );
      } catch (cause) {
        exchange.fail("CONNECT_FAILED", cause);
      }
    });
  }

  async close(): Promise<void> {
    await this.#deps.dispatcher.destroy();
  }
}

/** The callbacks at the end of an exchange. */
interface ExchangeEnd {
  readonly resolve: (reply: TransportReply) => void;
  readonly reject: (error: TransportError) => void;
  /** Releases the connection. Runs at every end of an exchange. */
  readonly release: () => void;
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: TransportRequest;
  readonly #end: ExchangeEnd;
  readonly #cancelTimer: () => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: Record<string, string | string[] | undefined> = {};
  #bytes = 0;
  #settled = false;

  constructor(clock: Clock, request: TransportRequest, end: ExchangeEnd) {
    this.#request = request;
    this.#end = end;
    this.#cancelTimer = clock.after(request.timeoutMs, () => this.fail("TIMEOUT"));
    request.signal?.addEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => this.fail("ABORTED");

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The exchange ended while it waited for a connection, and was reported as not sent, so undici must not send it
    // now. undici drops a request that throws here and keeps the connection. The controller's abort would destroy it.
    if (this.#settled) throw new TransportError("ABORTED", { sent: false });
    if (this.#request.onSend?.() === false) {
      this.fail("SLOT_MISSED");
      throw new TransportError("SLOT_MISSED", { sent: false });
    }
    this.#controller = controller;
  }

  onResponseStart(
    _controller: unknown,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_REPLY_BYTES) this.fail("REPLY_TOO_LARGE");
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#settle()) return;
    this.#end.resolve({
      status: this.#status,
      contentType: headerText(this.#headers["content-type"]) ?? "",
      date: headerText(this.#headers["date"]),
      body: utf8Text(Buffer.concat(this.#chunks)) ?? "",
    });
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(this.#controller === undefined ? "CONNECT_FAILED" : "CONNECTION_LOST", error);
  }

  fail(reason: TransportError["reason"], cause?: unknown): void {
    if (!this.#settle()) return;
    const error = new TransportError(reason, { sent: this.#controller !== undefined, cause });
    this.#end.reject(error);
    this.#controller?.abort(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#cancelTimer();
    this.#end.release();
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

type TransportFailure =
  /** No connection opened: DNS, a refused connection or TLS. */
  | "CONNECT_FAILED"
  /** The connection ended before the reply was complete. */
  | "CONNECTION_LOST"
  /** The timeout passed, before or after sending. */
  | "TIMEOUT"
  | "REPLY_TOO_LARGE"
  /** The slot of the quota expired before the transport could write the request. */
  | "SLOT_MISSED"
  /** The caller's signal ended the post. */
  | "ABORTED";

/** The error of a post that ended without a complete reply. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly reason: TransportFailure;
  /** False only if certainly no byte of the request reached CAM. */
  readonly sent: boolean;

  constructor(reason: TransportFailure, options: { readonly sent: boolean; readonly cause?: unknown }) {
    super(`${reason} ${options.sent ? "after" : "before"} the request was sent`, { cause: options.cause });
    this.reason = reason;
    this.sent = options.sent;
  }
}
