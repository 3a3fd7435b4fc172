import { type ConnectionFailure, explainConnectionFailure } from "../../connection-failures.ts";
import { TransportError } from "../transport/http-transport.ts";
import { provesRefusal } from "./proven-refusals.ts";

export type CamErrorKind =
  /** CAM answered with an error code. */
  | "REFUSED"
  /** Nothing was sent: no connection, or none in time. */
  | "UNREACHABLE"
  /** Sent, and no reply in time. */
  | "TIMEOUT"
  /** Sent, and the connection ended before the reply was complete. */
  | "CONNECTION_LOST"
  /** The reply is no API 3.0 envelope: another HTTP status, HTML, truncated JSON, or too large. */
  | "BAD_RESPONSE"
  /** No usable key, so nothing was sent. */
  | "NO_CREDENTIAL"
  /** The caller's signal ended the call. */
  | "ABORTED";

export interface CamErrorDetails {
  readonly kind: CamErrorKind;
  readonly action: string;
  /** The number of requests made in all, this one included. */
  readonly attempts: number;
  /** CAM's Response.Error.Code, with kind REFUSED. */
  readonly camCode?: string | undefined;
  /** CAM's Response.Error.Message. For logs only: its wording and language change. */
  readonly camMessage?: string | undefined;
  /** CAM's RequestId, where the reply had one. Tencent Cloud's support asks for it. */
  readonly camRequestId?: string | undefined;
  /** With kind BAD_RESPONSE or REFUSED, where the status was not 200. */
  readonly httpStatus?: number | undefined;
  /** For logs: what was wrong, in the gateway's words. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** The one error that leaves `cam/`. Decide by `kind` and `camCode`, never by `message`. */
export class CamError extends Error {
  override readonly name = "CamError";
  readonly kind: CamErrorKind;
  readonly action: string;
  readonly attempts: number;
  readonly camCode: string | undefined;
  readonly camMessage: string | undefined;
  readonly camRequestId: string | undefined;
  readonly httpStatus: number | undefined;
  /** For logs: why there is no usable answer. Undefined where CAM answered, or where nothing was exchanged. */
  readonly failure: ConnectionFailure | undefined;

  constructor(details: CamErrorDetails) {
    const what = details.camCode ?? details.httpStatus ?? details.detail ?? "";
    super(`${details.action}: ${details.kind} ${what}`.trim(), { cause: details.cause });
    this.kind = details.kind;
    this.action = details.action;
    this.attempts = details.attempts;
    this.camCode = details.camCode;
    this.camMessage = details.camMessage;
    this.camRequestId = details.camRequestId;
    this.httpStatus = details.httpStatus;
    this.failure = explainFailure(details);
  }
}

/** Creates the error of an exchange that ended without a complete reply. */
export function lostExchange(action: string, attempts: number, cause: TransportError): CamError {
  return new CamError({ kind: kindOf(cause), action, attempts, detail: cause.reason, cause });
}

function kindOf({ reason, sent }: TransportError): CamErrorKind {
  if (reason === "ABORTED") return "ABORTED";
  if (!sent || reason === "SLOT_MISSED" || reason === "CONNECT_FAILED") return "UNREACHABLE";
  return reason === "REPLY_TOO_LARGE" ? "BAD_RESPONSE" : reason;
}

/**
 * Returns whether a write that ended in this error may have taken effect, now or later. Two things prove that it did not:
 * nothing was sent, or CAM answered with a code that says so (proven-refusals.ts).
 */
export function mayHaveBeenApplied(error: CamError): boolean {
  switch (error.kind) {
    case "UNREACHABLE":
    case "NO_CREDENTIAL":
      return false;
    case "TIMEOUT":
    case "CONNECTION_LOST":
    case "BAD_RESPONSE":
    case "ABORTED":
      return true;
    case "REFUSED":
      return !provesRefusal(error.camCode);
  }
}

/** Matches CAM's own faults: `InternalError` with its sub-codes, and `ServiceUnavailable`. */
export function isServiceFault(camCode: string | undefined): boolean {
  return /^(InternalError|ServiceUnavailable)(\.|$)/.test(camCode ?? "");
}

/** Matches `RequestLimitExceeded` and its sub-codes. CAM sends them before it does anything. */
export function isThrottle(camCode: string | undefined): boolean {
  return /^RequestLimitExceeded(\.|$)/.test(camCode ?? "");
}

export function isSignatureExpired(camCode: string | undefined): boolean {
  return camCode === "AuthFailure.SignatureExpire";
}

/** Matches refusals of the key: it is deleted, has expired, or is not the one of this id. Another key may work. */
export function isKeyRefused(camCode: string | undefined): boolean {
  return /^AuthFailure\.(InvalidSecretId|SecretIdNotFound|SignatureFailure|TokenFailure)$/.test(
    camCode ?? "",
  );
}

const TOO_LATE = "The server received the request and did not complete its reply in time.";
const NO_CONNECTION = "No connection was made in time. Check firewalls, security groups and the proxy.";

function explainFailure({
  kind,
  detail = "",
  cause,
  httpStatus,
}: CamErrorDetails): ConnectionFailure | undefined {
  if (!(cause instanceof TransportError)) {
    if (kind === "BAD_RESPONSE") return { cause: kind, why: whyBadResponse(httpStatus, detail) };
    return kind === "UNREACHABLE"
      ? { cause: "NO_TIME_LEFT", why: "The operation had no time left." }
      : undefined;
  }
  switch (cause.reason) {
    case "ABORTED":
      return undefined;
    case "TIMEOUT":
      return { cause: "TIMEOUT", why: cause.sent ? TOO_LATE : NO_CONNECTION };
    case "REPLY_TOO_LARGE":
      return { cause: cause.reason, why: "The reply is larger than any reply of CAM." };
    default:
      return explainConnectionFailure(cause.cause) ?? { cause: cause.reason, why: "The connection failed." };
  }
}

function whyBadResponse(httpStatus: number | undefined, detail: string): string {
  const what = `The answer is not CAM's: HTTP ${httpStatus ?? 200}, ${detail}.`;
  if (httpStatus === 407) return `${what} The proxy requires a login.`;
  if (httpStatus !== undefined && httpStatus >= 300 && httpStatus < 400) {
    return `${what} It is a redirect, and the gateway follows none. Check the address and the proxy.`;
  }
  return `${what} A proxy or load balancer in between may have sent it.`;
}
