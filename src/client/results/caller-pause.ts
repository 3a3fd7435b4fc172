import type { MfaChangeCaller } from "./mfa-change.ts";

/** Since when a caller may change nobody, and why: so many different users within so many minutes. */
export interface CallerPause {
  readonly subject: string;
  readonly issuer: string | null;
  /** ISO 8601 in UTC, as is resumedAt. */
  readonly pausedAt: string;
  readonly users: number;
  readonly withinMinutes: number;
  /** Null while it lasts. */
  readonly resumedAt: string | null;
  readonly resumedBy: MfaChangeCaller | null;
}

/** The arguments of resumeCaller. */
export interface ResumeCallerInput {
  readonly subject: string;
  /** Who vouches for the caller, where callers of more than one issuer are paused by this name. */
  readonly issuer?: string | null | undefined;
}
