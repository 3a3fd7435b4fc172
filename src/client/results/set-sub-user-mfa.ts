import type { CamErrorCategory, CamErrorCode } from "../../contract/index.ts";
import type { ChangeResolution, MfaChange } from "./mfa-change.ts";
import type { SubUserMfa } from "./sub-user.ts";

/** The user after a change; the rest of it costs CAM another call, which `subUser` makes. */
export interface ChangedSubUser {
  readonly id: string;
  readonly opUin: string;
  readonly account: string;
  /** Null where it could not be read after the change; `onFieldError` hears why. */
  readonly mfa: SubUserMfa | null;
}

/** A change that took effect. */
export interface SetSubUserMfaPayload {
  readonly __typename: "SetSubUserMfaPayload";
  /** CAM's RequestId, for its support. */
  readonly requestId: string;
  readonly resolvedBy: ChangeResolution;
  readonly change: MfaChange | null;
  readonly subUser: ChangedSubUser;
}

/** A business error as data. `camErrorOf` gives it the form that thrown errors have. */
export interface CamFailure {
  readonly __typename: "CamFailure";
  readonly code: CamErrorCode;
  readonly category: CamErrorCategory;
  /** Safe to show a person. */
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly camCode: string | null;
  readonly camAction: string | null;
  readonly camRequestId: string | null;
  readonly changeId: string | null;
  /** Until when another caller can approve the change, with APPROVAL_REQUIRED: ISO 8601. */
  readonly expiresAt: string | null;
  readonly requestId: string;
}

export type SetSubUserMfaResult = SetSubUserMfaPayload | CamFailure;
