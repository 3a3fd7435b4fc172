import { CamError, isThrottle } from "../cam/index.ts";
import {
  type CamAnswer,
  type CamErrorCode,
  codeForCamCode,
  GatewayError,
  type Uin,
} from "../contract/index.ts";
import { RecordedFailure } from "./recorded-failure.ts";

/** What the contract says of an error that the inside raised deliberately. */
export interface FailureFacts {
  readonly code: CamErrorCode;
  /** More than the catalogue's message, where there is more to say. */
  readonly message?: string | undefined;
  readonly opUin?: Uin | undefined;
  readonly changeId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly expiresAt?: string | undefined;
  readonly cam?: CamAnswer | undefined;
}

/** CAM counts in windows of one second and sends no Retry-After. */
const THROTTLE_RETRY_AFTER_MS = 1_000;

/** The one mapping of errors to the contract; undefined for an error that nobody raised deliberately. */
export function failureFactsOf(error: unknown): FailureFacts | undefined {
  if (error instanceof GatewayError) return error;
  if (error instanceof CamError) return factsOfCamError(error);
  if (error instanceof RecordedFailure) {
    const { changeId, opUin } = error;
    const facts = "facts" in error.failure ? error.failure.facts : failureFactsOf(error.failure.error);
    return facts && { ...facts, message: facts.message, opUin, changeId };
  }
  return undefined;
}

function factsOfCamError(error: CamError): FailureFacts {
  const { camCode, action, requestId } = error;
  return {
    code: codeOf(error),
    ...(isThrottle(camCode) ? { retryAfterMs: THROTTLE_RETRY_AFTER_MS } : {}),
    ...(camCode === undefined ? {} : { cam: { code: camCode, action, requestId: requestId ?? "" } }),
  };
}

function codeOf(error: CamError): CamErrorCode {
  switch (error.kind) {
    case "REFUSED":
      return codeForCamCode(error.camCode ?? "");
    case "UNREACHABLE":
    case "CONNECTION_LOST":
      return "CAM_UNREACHABLE";
    case "TIMEOUT":
    case "ABORTED":
      return "CAM_TIMEOUT";
    case "BAD_RESPONSE":
      return codeOfStatus(error.httpStatus);
    case "NO_CREDENTIAL":
      return "CAM_CREDENTIALS_UNAVAILABLE";
  }
}

/** What stands before CAM answers for it: a load balancer that is out of servers, or that limits us itself. */
function codeOfStatus(status: number | undefined): CamErrorCode {
  if (status === 429) return "CAM_RATE_LIMITED";
  if (status !== undefined && status >= 500) return "CAM_UNAVAILABLE";
  return "CAM_BAD_RESPONSE";
}
