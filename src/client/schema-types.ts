import type { CamErrorCategory, CamErrorCode } from "../contract/index.ts";

/** The methods of one protection, as CAM reports them. Null if CAM does not report a method. */
export interface LoginActionFlag {
  readonly phone: boolean | null;
  readonly token: boolean | null;
  readonly stoken: boolean | null;
  readonly wechat: boolean | null;
  readonly custom: boolean | null;
  readonly mail: boolean | null;
  readonly u2fToken: boolean | null;
  readonly passkey: boolean | null;
}

/**
 * The source of a user's protections.
 *
 * - CAM: the protections are as CAM returned them.
 * - GATEWAY: CAM's answer can be outdated for a minute after a write. A method that the gateway wrote in that minute is
 *   shown as written.
 */
export type MfaSource = "CAM" | "GATEWAY";

/** The two protections of a sub-user. */
export interface SubUserMfa {
  /** The second factor after the password. */
  readonly login: LoginActionFlag;
  /** The second factor before sensitive operations in the console. */
  readonly action: LoginActionFlag;
  /** The source of these values. */
  readonly source: MfaSource;
  /** The time when the gateway asked CAM, or when the outcome of the gateway's write became known: ISO 8601. */
  readonly asOf: string;
}

/**
 * How the gateway knows the outcome of a change: CAM replied, or its reply was lost and the gateway read the user back.
 */
export type ChangeResolution = "REPLY" | "READ_BACK";

export type MfaChangeStatus = "AWAITING_APPROVAL" | "PENDING" | "APPLIED" | "REFUSED" | "UNKNOWN";

/** The methods of one protection that a change requests or sends. Null if unchanged or not sent. */
export interface MfaMethods {
  readonly phone: boolean | null;
  readonly stoken: boolean | null;
  readonly wechat: boolean | null;
}

export interface MfaMethodsOfBoth {
  readonly login: MfaMethods | null;
  readonly action: MfaMethods | null;
}

/** The user's protections before a change, as the gateway read them. */
export interface MfaBeforeImage {
  readonly login: LoginActionFlag;
  readonly action: LoginActionFlag;
  /** Null in records of earlier releases, as is asOf. Those releases read CAM. */
  readonly source: MfaSource | null;
  readonly asOf: string | null;
}

/** A caller as recorded. */
export interface MfaChangeCaller {
  readonly subject: string;
  readonly client: string | null;
  readonly issuer: string | null;
}

export type MfaChangeDecision = "APPROVED" | "REJECTED" | "WITHDRAWN";

/** The approval of a change by another caller. */
export interface MfaChangeApproval {
  readonly expiresAt: string;
  /** Null while the decision is awaited and after the change expired, as are the fields that follow. */
  readonly decision: MfaChangeDecision | null;
  readonly decidedBy: MfaChangeCaller | null;
  readonly decidedAt: string | null;
  /** The reason, in the words of the caller who decided. */
  readonly reason: string | null;
  readonly gatewayRequestId: string | null;
}

/** The record of one change. */
export interface MfaChange {
  /** A UUIDv7. Ids sort by the start of the change. */
  readonly id: string;
  readonly opUin: string;
  /** The account of the user, by its name at that time, such as `default`. */
  readonly account: string;
  readonly caller: MfaChangeCaller;
  readonly gatewayRequestId: string;
  readonly requested: MfaMethodsOfBoth;
  /** The reason, in the caller's words. */
  readonly reason: string | null;
  readonly before: MfaBeforeImage;
  readonly sent: MfaMethodsOfBoth;
  readonly status: MfaChangeStatus;
  /** Null if the policy requires no approval. */
  readonly approval: MfaChangeApproval | null;
  readonly resolvedBy: ChangeResolution | null;
  /** The reason why the change is not, or not certainly, in force. */
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

/** The changes to list. A property that is omitted, null or undefined does not filter the list. */
export interface MfaChangesFilter {
  readonly opUin?: string | null | undefined;
  /** The name of the users' account in the gateway, such as `default`. */
  readonly account?: string | null | undefined;
  readonly status?: MfaChangeStatus | null | undefined;
  /** The subject of the caller who requested the change. */
  readonly caller?: string | null | undefined;
  /** The earliest start of a change, inclusive: ISO 8601. */
  readonly from?: string | null | undefined;
  /** The latest start of a change, exclusive: ISO 8601. */
  readonly until?: string | null | undefined;
  /** The number of changes, from 1 to 100. Default: 20. */
  readonly first?: number | null | undefined;
  /** The `endCursor` of the previous page. */
  readonly after?: string | null | undefined;
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

export interface MfaChangeEdge {
  readonly cursor: string;
  readonly node: MfaChange;
}

/** A page of changes, newest first. */
export interface MfaChangeConnection {
  readonly edges: readonly MfaChangeEdge[];
  readonly pageInfo: PageInfo;
}

/** The methods of one protection to switch. A method that is omitted, null or undefined stays unchanged. */
export interface MethodsToSwitch {
  /** A code by SMS. The user needs a bound phone. */
  readonly phone?: boolean | null | undefined;
  /** A virtual MFA device (TOTP). */
  readonly stoken?: boolean | null | undefined;
  /** A scan by WeChat. The user needs a bound WeChat. */
  readonly wechat?: boolean | null | undefined;
}

/** The arguments of setSubUserMfa and trySetSubUserMfa. */
export interface SetSubUserMfaInput {
  /** A decimal string, because a JavaScript number loses digits of such ids. */
  readonly opUin: string;
  /** The name of the user's account in the gateway. Default: the default account. */
  readonly account?: string | null | undefined;
  readonly login?: MethodsToSwitch | null | undefined;
  readonly action?: MethodsToSwitch | null | undefined;
  /** Writes a protection even if it uses a method that a write cannot express. CAM may drop that method. */
  readonly overwriteOtherMethods?: boolean | null | undefined;
  /** The reason for the record, at most 500 characters. Some changes need one (`REASON_REQUIRED`). */
  readonly reason?: string | null | undefined;
}

/** The user after a change. `subUser` returns the other fields, with another call to CAM. */
export interface ChangedSubUser {
  readonly id: string;
  readonly opUin: string;
  readonly account: string;
  /** Null if the gateway could not read it after the change. `onFieldError` receives the error. */
  readonly mfa: SubUserMfa | null;
}

/** A change that took effect. */
export interface SetSubUserMfaPayload {
  readonly __typename: "SetSubUserMfaPayload";
  /** The gateway's id of the request. */
  readonly requestId: string;
  /** CAM's RequestId. CAM's support needs it. */
  readonly camRequestId: string | null;
  readonly resolvedBy: ChangeResolution;
  readonly change: MfaChange | null;
  readonly subUser: ChangedSubUser;
}

/** A business error as data. `camErrorOf` converts it to the form of thrown errors. */
export interface CamFailure {
  readonly __typename: "CamFailure";
  readonly code: CamErrorCode;
  readonly category: CamErrorCategory;
  /** A text that is safe to show to a person. */
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly camCode: string | null;
  readonly camAction: string | null;
  readonly camRequestId: string | null;
  readonly changeId: string | null;
  /** The end of the time in which another caller can approve the change, with APPROVAL_REQUIRED: ISO 8601. */
  readonly expiresAt: string | null;
  readonly requestId: string;
}

export type SetSubUserMfaResult = SetSubUserMfaPayload | CamFailure;

/** The arguments of approveMfaChange, tryApproveMfaChange and rejectMfaChange. */
export interface DecisionInput {
  /** The id of the change: `changeId` of APPROVAL_REQUIRED. */
  readonly id: string;
  /** The reason for the record, at most 500 characters. */
  readonly reason?: string | null | undefined;
}

/**
 * A pause of a caller who changed `users` different users within `withinMinutes`. A paused caller may change no users.
 */
export interface CallerPause {
  readonly subject: string;
  readonly issuer: string | null;
  /** ISO 8601 in UTC, as is resumedAt. */
  readonly pausedAt: string;
  readonly users: number;
  readonly withinMinutes: number;
  /** Null while the pause lasts. */
  readonly resumedAt: string | null;
  readonly resumedBy: MfaChangeCaller | null;
}

/** The arguments of resumeCaller. */
export interface ResumeCallerInput {
  readonly subject: string;
  /** The issuer of the caller, needed if paused callers of several issuers have this subject. */
  readonly issuer?: string | null | undefined;
}

/** The use of CAM's rate limit by one CAM action. */
export interface CamActionQuota {
  /** The account whose key called the action. */
  readonly account: string;
  readonly action: string;
  /** The calls per second that CAM accepts. */
  readonly ratePerSecond: number;
  readonly windowMs: number;
  /** The calls in the window that ends now. */
  readonly used: number;
  /** The calls that wait for a slot in the replica that answered. */
  readonly queued: number;
  readonly nextSlotInMs: number;
  readonly throttledRecently: boolean;
  /** Whether the figures cover all replicas. */
  readonly shared: boolean;
}
