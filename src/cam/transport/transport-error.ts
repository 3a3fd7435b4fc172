export type TransportFailure =
  /** No connection could be made: DNS, refused, TLS. */
  | "CONNECT_FAILED"
  /** The connection ended before the whole reply was there. */
  | "CONNECTION_LOST"
  /** Time ran out, before or after sending. */
  | "TIMEOUT"
  | "REPLY_TOO_LARGE"
  /** It came to writing too late for its slot of the quota. */
  | "SLOT_MISSED"
  /** The caller's signal. */
  | "ABORTED";

/** Why there is no reply. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly reason: TransportFailure;
  /** False only when it is certain that no byte of the request reached CAM. */
  readonly sent: boolean;

  constructor(reason: TransportFailure, options: { readonly sent: boolean; readonly cause?: unknown }) {
    super(`${reason} ${options.sent ? "after" : "before"} the request was sent`, { cause: options.cause });
    this.reason = reason;
    this.sent = options.sent;
  }
}
