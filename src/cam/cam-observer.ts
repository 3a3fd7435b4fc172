import type { CamError } from "./errors/cam-error.ts";
import type { RetryRefusal } from "./retry/decide-retry.ts";

/** One request that was made, or could not be made, to CAM. */
export interface CamAttempt {
  readonly action: string;
  /** The gateway's own id of the operation that this belongs to; it went out as X-TC-TraceId. */
  readonly traceId: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly durationMs: number;
  /** How long it waited for a slot of the quota. */
  readonly quotaWaitMs: number;
  /** CAM's RequestId, where a reply had one. */
  readonly requestId: string | undefined;
  readonly error: CamError | undefined;
  /** What follows an error. */
  readonly next: { readonly retryInMs: number } | { readonly gaveUp: RetryRefusal } | undefined;
}

/** Told of every attempt; it must not throw. */
export interface CamObserver {
  onAttempt(attempt: CamAttempt): void;
}
