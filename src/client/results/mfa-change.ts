import type { CamErrorCode } from "../../contract/index.ts";
import type { LoginActionFlag, MfaSource } from "./sub-user.ts";

/** How the outcome of a change is known: CAM said so, or its reply was lost and reading the user showed it. */
export type ChangeResolution = "REPLY" | "READ_BACK";

export type MfaChangeStatus = "AWAITING_APPROVAL" | "PENDING" | "APPLIED" | "REFUSED" | "UNKNOWN";

/** Which methods were to be switched, or sent: null means unchanged, or not sent. */
export interface MfaMethods {
  readonly phone: boolean | null;
  readonly stoken: boolean | null;
  readonly wechat: boolean | null;
}

export interface MfaMethodsOfBoth {
  readonly login: MfaMethods | null;
  readonly action: MfaMethods | null;
}

/** A user's protections as they were known before a change. */
export interface MfaBeforeImage {
  readonly login: LoginActionFlag;
  readonly action: LoginActionFlag;
  /** Null, as asOf, in records of earlier releases, which read CAM. */
  readonly source: MfaSource | null;
  readonly asOf: string | null;
}

/** A caller as the record names them. */
export interface MfaChangeCaller {
  readonly subject: string;
  readonly client: string | null;
  readonly issuer: string | null;
}

export type MfaChangeDecision = "APPROVED" | "REJECTED" | "WITHDRAWN";

/** What became of a change that another caller has to approve. */
export interface MfaChangeApproval {
  readonly expiresAt: string;
  /** Null while it is awaited, and where the change has expired; so is all that follows. */
  readonly decision: MfaChangeDecision | null;
  readonly decidedBy: MfaChangeCaller | null;
  readonly decidedAt: string | null;
  /** Why, in the words of who decided it. */
  readonly reason: string | null;
  readonly gatewayRequestId: string | null;
}

/** The record of one change. */
export interface MfaChange {
  /** Sorts by when the change was begun. */
  readonly id: string;
  readonly opUin: string;
  /** The name that the gateway had for the account; `default` for the one that needs no name. */
  readonly account: string;
  readonly caller: MfaChangeCaller;
  readonly gatewayRequestId: string;
  readonly requested: MfaMethodsOfBoth;
  /** Why, in the caller's words. */
  readonly reason: string | null;
  readonly before: MfaBeforeImage;
  readonly sent: MfaMethodsOfBoth;
  readonly status: MfaChangeStatus;
  /** Null where the policy asks for none. */
  readonly approval: MfaChangeApproval | null;
  readonly resolvedBy: ChangeResolution | null;
  /** Why it is not, or not certainly, in force. */
  readonly code: CamErrorCode | null;
  readonly camCode: string | null;
  readonly camRequestId: string | null;
  readonly attempts: number;
  readonly quotaWaitMs: number;
  readonly replica: string;
  /** ISO 8601 in UTC, as is finishedAt. */
  readonly createdAt: string;
  readonly finishedAt: string | null;
}
