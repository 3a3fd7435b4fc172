import { failureFactsOf } from "../changes/failure-facts.ts";
import {
  type CamErrorExtensions,
  createCamErrorExtensions,
  describeCamError,
  type Uin,
} from "../contract/index.ts";

/** A business error as both channels tell it: thrown (message and extensions) and as data (CamFailure). */
export interface Failure {
  readonly message: string;
  readonly extensions: CamErrorExtensions;
}

/** What the operation knows of the error: its own id, and the user that it was asked about. */
export interface FailureContext {
  readonly requestId: string;
  readonly opUin: Uin | undefined;
}

/** The facts of a business error, or undefined for an error that nobody raised deliberately. */
export function describeFailure(error: unknown, { requestId, opUin }: FailureContext): Failure | undefined {
  const facts = failureFactsOf(error);
  if (facts === undefined) return undefined;
  const { code, message, changeId, expiresAt, retryAfterMs, cam } = facts;
  return {
    message: message ?? describeCamError(code).message,
    extensions: createCamErrorExtensions(code, {
      requestId,
      opUin: facts.opUin ?? opUin,
      changeId,
      expiresAt,
      retryAfterMs,
      cam,
    }),
  };
}
