import { type ConnectionFailure, explainConnectionFailure } from "../connection-failures.ts";
import { TransportError } from "./transport/http-transport.ts";

export type CamErrorKind =
  /** CAM answered with an error code. */
  | "REFUSED"
  /** The gateway sent nothing, because it got no connection in time or had no time left. */
  | "UNREACHABLE"
  /** The gateway sent the request and got no complete reply in time. */
  | "TIMEOUT"
  /** The gateway sent the request, and the connection ended before the reply was complete. */
  | "CONNECTION_LOST"
  /** The reply is not an API 3.0 envelope: another HTTP status, HTML, truncated JSON, or too large. */
  | "BAD_RESPONSE"
  /** The gateway had no usable key and sent nothing. */
  | "NO_CREDENTIAL"
  /** The caller's signal ended the call. */
  | "ABORTED";

export interface CamErrorDetails {
  readonly kind: CamErrorKind;
  readonly action: string;
  /** The number of requests so far, including this one. */
  readonly attempts: number;
  /** CAM's Response.Error.Code, with kind REFUSED. */
  readonly camCode?: string | undefined;
  /** CAM's Response.Error.Message. For logs only, because its wording and language change. */
  readonly camMessage?: string | undefined;
  /** CAM's RequestId, which Tencent Cloud's support asks for. Undefined if the reply had none. */
  readonly camRequestId?: string | undefined;
  /** With kind BAD_RESPONSE or REFUSED, if the status was not 200. */
  readonly httpStatus?: number | undefined;
  /** The gateway's description of the problem, for logs. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** The error of a failed call to CAM or STS. Decide by `kind` and `camCode`, never by `message`. */
export class CamError extends Error {
  override readonly name = "CamError";
  readonly kind: CamErrorKind;
  readonly action: string;
  readonly attempts: number;
  readonly camCode: string | undefined;
  readonly camMessage: string | undefined;
  readonly camRequestId: string | undefined;
  readonly httpStatus: number | undefined;
  /** The cause of a failed exchange, for logs. Undefined for REFUSED, NO_CREDENTIAL and ABORTED. */
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
export function transportFailure(action: string, attempts: number, cause: TransportError): CamError {
  return new CamError({ kind: kindOf(cause), action, attempts, detail: cause.reason, cause });
}

function kindOf({ reason, sent }: TransportError): CamErrorKind {
  if (reason === "ABORTED") return "ABORTED";
  if (!sent || reason === "SLOT_MISSED" || reason === "CONNECT_FAILED") return "UNREACHABLE";
  return reason === "REPLY_TOO_LARGE" ? "BAD_RESPONSE" : reason;
}

/**
 * Returns whether a write that ended in this error may have taken effect, or may still take effect. False if the
 * gateway sent nothing, or if its code proves a refusal (`provesRefusal`).
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

/** Returns whether a code is a fault of CAM: `InternalError`, `ServiceUnavailable` or one of their sub-codes. */
export function isServiceFault(camCode: string | undefined): boolean {
  return /^(InternalError|ServiceUnavailable)(\.|$)/.test(camCode ?? "");
}

/** Returns whether a code is `RequestLimitExceeded` or one of its sub-codes. CAM sends them before it acts. */
export function isThrottle(camCode: string | undefined): boolean {
  return /^RequestLimitExceeded(\.|$)/.test(camCode ?? "");
}

export function isSignatureExpired(camCode: string | undefined): boolean {
  return camCode === "AuthFailure.SignatureExpire";
}

/** Returns whether CAM refused the key: it is deleted, expired, or does not belong to this id. Another key may work. */
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

/**
 * Codes that prove a refusal, with all their sub-codes, even those that CAM's pages do not list: the request exceeded a
 * limit of calls, or CAM did not accept its key, or the key lacked the permission.
 */
const FAMILIES: ReadonlySet<string> = new Set([
  "RequestLimitExceeded",
  "AuthFailure",
  "UnauthorizedOperation",
]);

/**
 * The other codes on CAM's pages that refuse the form of a request, or its change. Each code is exact, without
 * sub-codes.
 */
const CODES: ReadonlySet<string> = new Set([
  "FailedOperation.UserNotBindPhone",
  "FailedOperation.UserNotBindWechat",
  "FailedOperation.UserUnbindNoPermission",
  "InvalidParameter.MFATokenError",
  "InvalidParameter.UserNotExist",
  "ResourceNotFound.UserNotExist",
  "ActionOffline",
  "DryRunOperation",
  "InvalidAction",
  "InvalidParameter",
  "InvalidParameter.ParamError",
  "InvalidParameter.SubUserFull",
  "InvalidParameter.UinError",
  "InvalidParameterValue",
  "InvalidRequest",
  "IpInBlacklist",
  "IpNotInWhitelist",
  "LimitExceeded",
  "MissingParameter",
  "NoSuchProduct",
  "NoSuchVersion",
  "RequestSizeLimitExceeded",
  "ResourceNotFound",
  "UnknownParameter",
  "UnsupportedOperation",
  "UnsupportedProtocol",
  "UnsupportedRegion",
]);

/**
 * Returns whether a code proves that CAM did not carry out the request. These codes prove nothing: internal errors, an
 * unusable resource, a reply that was too large, and every other code that CAM's pages do not list.
 */
function provesRefusal(camCode: string | undefined): boolean {
  if (camCode === undefined) return false;
  return CODES.has(camCode) || FAMILIES.has(camCode.split(".", 1)[0] ?? "");
}
