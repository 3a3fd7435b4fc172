/** What the vendor said, for whoever has to talk to its support. */
export interface CamAnswer {
  /** The vendor's own code, for example `FailedOperation.UserNotBindPhone`. */
  readonly code: string;
  /** The vendor's action that answered, for example `SetMfaFlag`. */
  readonly action: string;
  /** The vendor's id of that call. */
  readonly requestId: string;
}

/** What `errors[].extensions` holds beside code, category and retryable. */
export interface CamErrorFacts {
  /** The gateway's id of the request, which its log lines carry. */
  readonly requestId: string;
  /** Milliseconds to wait before trying again. Always there where the category is THROTTLED. */
  readonly retryAfterMs?: number;
  /** The record of the change that the error is about. */
  readonly changeId?: string;
  /** Until when another caller can approve the change, with APPROVAL_REQUIRED: ISO 8601, in UTC. */
  readonly expiresAt?: string;
  /** The user that the error is about: a decimal string. */
  readonly opUin?: string;
  /** Missing where the vendor was not asked or did not answer. */
  readonly cam?: CamAnswer;
}
