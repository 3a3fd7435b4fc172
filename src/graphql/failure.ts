import { CamError, isThrottle } from "../cam/index.ts";
import {
  type CamErrorCode,
  type CamErrorExtensions,
  codeForCamCode,
  createCamErrorExtensions,
  describeCamError,
  GatewayError,
  type Uin,
} from "../contract/index.ts";

/** A business error as both channels tell it: thrown (message and extensions) and as data (CamFailure). */
export interface Failure {
  readonly message: string;
  readonly extensions: CamErrorExtensions;
}

/** CAM counts in windows of one second and sends no Retry-After. */
const THROTTLE_RETRY_AFTER_MS = 1_000;

/** What the operation knows of the error: its own id, and the user that it was asked about. */
export interface FailureContext {
  readonly requestId: string;
  readonly opUin: Uin | undefined;
}

/** The facts of a business error, or undefined for an error that nobody raised deliberately. */
export function describeFailure(error: unknown, { requestId, opUin }: FailureContext): Failure | undefined {
  if (error instanceof GatewayError) {
    const { message, code, changeId, retryAfterMs } = error;
    const facts = { requestId, opUin: error.opUin ?? opUin, changeId, retryAfterMs, cam: undefined };
    return { message, extensions: createCamErrorExtensions(code, facts) };
  }
  if (error instanceof CamError) {
    const code = codeOf(error);
    const facts = {
      requestId,
      opUin,
      changeId: undefined,
      retryAfterMs: isThrottle(error.camCode) ? THROTTLE_RETRY_AFTER_MS : undefined,
      cam:
        error.camCode === undefined
          ? undefined
          : { code: error.camCode, action: error.action, requestId: error.requestId ?? "" },
    };
    return { message: describeCamError(code).message, extensions: createCamErrorExtensions(code, facts) };
  }
  return undefined;
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
