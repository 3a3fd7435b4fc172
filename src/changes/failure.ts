import { CamError, isThrottle } from "../cam/index.ts";
import {
  type CamAnswer,
  type CamErrorCode,
  codeForCamCode,
  describeCamError,
  GatewayError,
  type Uin,
} from "../contract/index.ts";

interface FailureFacts {
  readonly code: CamErrorCode;
  /** A message with more detail than the catalogue's. */
  readonly message?: string | undefined;
  readonly opUin?: Uin | undefined;
  /** The record of the change that the failure is about. */
  readonly changeId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The time until which another caller can approve the change: ISO 8601. */
  readonly expiresAt?: string | undefined;
  readonly cam?: CamAnswer | undefined;
}

/**
 * An error as the contract describes it. The gateway maps an error to a Failure once, where a change or a read ends.
 * The log line, the record, the thrown error and the data channel all read this value.
 */
export class Failure extends Error implements FailureFacts {
  override readonly name = "Failure";
  readonly code: CamErrorCode;
  readonly opUin: Uin | undefined;
  readonly changeId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly expiresAt: string | undefined;
  readonly cam: CamAnswer | undefined;

  constructor({ message, ...facts }: FailureFacts, cause?: unknown) {
    super(message ?? describeCamError(facts.code).message, cause === undefined ? undefined : { cause });
    this.code = facts.code;
    this.opUin = facts.opUin;
    this.changeId = facts.changeId;
    this.retryAfterMs = facts.retryAfterMs;
    this.expiresAt = facts.expiresAt;
    this.cam = facts.cam;
  }
}

/**
 * Maps an error to the contract. Returns undefined for an error that the gateway did not raise deliberately, which the
 * caller receives as INTERNAL.
 *
 * @param change The change on record that the error ended.
 */
export function failureOf(
  error: unknown,
  change?: Pick<FailureFacts, "opUin" | "changeId">,
): Failure | undefined {
  if (error instanceof Failure) return error;
  if (error instanceof GatewayError) {
    const { code, message, opUin, changeId, retryAfterMs, cam } = error;
    return new Failure({ code, message, opUin, changeId, retryAfterMs, cam, ...change }, error);
  }
  if (error instanceof CamError) return new Failure({ ...factsOfCamError(error), ...change }, error);
  return undefined;
}

/** CAM counts in windows of one second and sends no Retry-After. */
const THROTTLE_RETRY_AFTER_MS = 1_000;

function factsOfCamError(error: CamError): FailureFacts {
  return {
    code: codeOf(error),
    ...(isThrottle(error.camCode) ? { retryAfterMs: THROTTLE_RETRY_AFTER_MS } : {}),
    cam: camAnswerOf(error.camCode, error.action, error.camRequestId),
  };
}

/** Returns CAM's answer in the form of the contract. Undefined if CAM sent no code. */
export function camAnswerOf(code: string | undefined, action = "", requestId = ""): CamAnswer | undefined {
  return code === undefined ? undefined : { code, action, requestId };
}

function codeOf({ kind, camCode, httpStatus }: CamError): CamErrorCode {
  switch (kind) {
    case "REFUSED":
      return codeForCamCode(camCode ?? "");
    case "UNREACHABLE":
    case "CONNECTION_LOST":
      return "CAM_UNREACHABLE";
    case "TIMEOUT":
    case "ABORTED":
      return "CAM_TIMEOUT";
    case "BAD_RESPONSE":
      return codeOfStatus(httpStatus);
    case "NO_CREDENTIAL":
      return "CAM_CREDENTIALS_UNAVAILABLE";
    default:
      throw new TypeError(`No code for a CamError of kind ${kind satisfies never}.`);
  }
}

/** Statuses of a load balancer in front of CAM that has no server left, or that limits the gateway itself. */
function codeOfStatus(status: number | undefined): CamErrorCode {
  if (status === 429) return "CAM_RATE_LIMITED";
  if (status !== undefined && status >= 500) return "CAM_UNAVAILABLE";
  return "CAM_BAD_RESPONSE";
}
