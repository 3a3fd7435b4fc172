import type { ConnectionFailure } from "../../connection-failures.ts";
import { explainFailure } from "./explain-failure.ts";
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

export interface CamErrorDetails {
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
