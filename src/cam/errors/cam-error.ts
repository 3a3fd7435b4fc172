import { type ConnectionFailure, explainConnectionFailure } from "../../connection-failures.ts";
import { TransportError, type TransportFailure } from "../transport/http-transport.ts";
import { provesRefusal } from "./proven-refusals.ts";

export type CamErrorKind =
  /** CAM answered with an error code. */
  | "REFUSED"
  /** Nothing was sent: no connection, or none in time. */
  | "UNREACHABLE"
  /** Sent, and no reply in time. */
  | "TIMEOUT"
  /** Sent, and the connection ended before the reply was whole. */
  | "CONNECTION_LOST"
  /** Answered, but not by an API 3.0 envelope: another HTTP status, HTML, truncated JSON, a reply too large. */
  | "BAD_RESPONSE"
  /** No usable key, so nothing was sent. */
  | "NO_CREDENTIAL"
  /** The caller's signal ended it. */
  | "ABORTED";

interface CamErrorDetails {
  readonly kind: CamErrorKind;
  readonly action: string;
  /** How many requests were made in all, this one included. */
  readonly attempts: number;
  /** CAM's Response.Error.Code, with kind REFUSED. */
  readonly camCode?: string;
  /** CAM's Response.Error.Message. For logs only: its wording and language change. */
  readonly camMessage?: string;
  /** CAM's RequestId, where there was an envelope. Its support asks for it. */
  readonly requestId?: string;
  /** With kind BAD_RESPONSE or REFUSED, where the status was not 200. */
  readonly httpStatus?: number;
  /** For logs: what was wrong, in our words. */
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
  readonly requestId: string | undefined;
  readonly httpStatus: number | undefined;
  /** For logs: why there is no usable answer. */
  readonly failure: ConnectionFailure | undefined;

  constructor(details: CamErrorDetails) {
    const what = details.camCode ?? details.httpStatus ?? details.detail ?? "";
    super(`${details.action}: ${details.kind} ${what}`.trim(), { cause: details.cause });
    this.kind = details.kind;
    this.action = details.action;
    this.attempts = details.attempts;
    this.camCode = details.camCode;
    this.camMessage = details.camMessage;
    this.requestId = details.requestId;
    this.httpStatus = details.httpStatus;
    this.failure = explainFailure(details);
  }
}

/**
 * Whether a write that ended in this error may have taken effect all the same, now or later. Two things prove that it
 * did not: nothing was sent, or CAM answered by a code that says so (proven-refusals.ts).
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

/** CAM's own faults: `InternalError` with its sub-codes, and `ServiceUnavailable`. */
export function isServiceFault(camCode: string | undefined): boolean {
  const family = codeFamily(camCode);
  return family === "InternalError" || family === "ServiceUnavailable";
}

/** `RequestLimitExceeded` and its sub-codes, all of which CAM gives before it does anything. */
export function isThrottle(camCode: string | undefined): boolean {
  return codeFamily(camCode) === "RequestLimitExceeded";
}

export function isSignatureExpired(camCode: string | undefined): boolean {
  return camCode === "AuthFailure.SignatureExpire";
}

/** The key is gone, has ended, or is not the one that CAM knows by this id; another might do. */
export function isKeyRefused(camCode: string | undefined): boolean {
  return camCode !== undefined && KEY_REFUSALS.has(camCode);
}

const KEY_REFUSALS: ReadonlySet<string> = new Set([
  "AuthFailure.InvalidSecretId",
  "AuthFailure.SecretIdNotFound",
  "AuthFailure.SignatureFailure",
  "AuthFailure.TokenFailure",
]);

function codeFamily(camCode: string | undefined): string | undefined {
  return camCode?.split(".", 1)[0];
}

/** As much of a CamError as its cause is told by. */
interface FailedCall {
  readonly kind: string;
  readonly detail?: string;
  readonly httpStatus?: number;
  readonly cause?: unknown;
}

const TOO_LATE = "The other side took the request and sent no whole reply in time.";
const NO_CONNECTION = "No connection was made in time. Check firewalls, security groups and the proxy.";

/** Why a call has no usable answer, for its log line; undefined where CAM answered, or where there was no exchange. */
function explainFailure(call: FailedCall): ConnectionFailure | undefined {
  const { kind, detail = "", cause, httpStatus } = call;
  if (kind === "BAD_RESPONSE" && !(cause instanceof TransportError)) {
    return { cause: "BAD_RESPONSE", why: whyBadResponse(httpStatus, detail) };
  }
  if (!(cause instanceof TransportError)) {
    return kind === "UNREACHABLE"
      ? { cause: "NO_TIME_LEFT", why: "The operation had no time left." }
      : undefined;
  }
  if (cause.reason === "ABORTED") return undefined;
  if (cause.reason === "TIMEOUT") return { cause: "TIMEOUT", why: cause.sent ? TOO_LATE : NO_CONNECTION };
  if (cause.reason === "REPLY_TOO_LARGE")
    return { cause: cause.reason, why: "The reply is larger than any of CAM's." };
  return explainConnectionFailure(cause.cause) ?? { cause: cause.reason, why: "The connection failed." };
}

function whyBadResponse(httpStatus: number | undefined, detail: string): string {
  const what = `The answer is not CAM's: HTTP ${httpStatus ?? 200}, ${detail}.`;
  if (httpStatus === 407) return `${what} The proxy wants a login.`;
  if (httpStatus !== undefined && httpStatus >= 300 && httpStatus < 400) {
    return `${what} It is a redirect, and the gateway follows none. Check the address and the proxy.`;
  }
  return `${what} A proxy or load balancer in between may have sent it.`;
}

/** What it means for a call that no whole reply came back. */
export function kindOf(failure: TransportError): CamErrorKind {
  if (failure.reason === "ABORTED") return "ABORTED";
  if (!failure.sent || failure.reason === "SLOT_MISSED") return "UNREACHABLE";
  return KIND_AFTER_SENDING[failure.reason];
}

const KIND_AFTER_SENDING: Readonly<
  Record<Exclude<TransportFailure, "ABORTED" | "SLOT_MISSED">, CamErrorKind>
> = {
  CONNECT_FAILED: "UNREACHABLE",
  CONNECTION_LOST: "CONNECTION_LOST",
  TIMEOUT: "TIMEOUT",
  REPLY_TOO_LARGE: "BAD_RESPONSE",
};
