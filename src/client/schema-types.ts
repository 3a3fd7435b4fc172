import type { CamErrorCategory, CamErrorCode } from "../contract/index.ts";

/** Which methods protect one kind of event, as CAM reports it. Null where CAM does not say. */
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
 * CAM: CAM showed the user so. GATEWAY: CAM showed the user otherwise, as it may for a minute after a write, and what a
 * write of the gateway has changed in that minute is shown as that write left it.
 */
export type MfaSource = "CAM" | "GATEWAY";

/** The two protections of a sub-user. */
export interface SubUserMfa {
  /** The second factor after the password. */
  readonly login: LoginActionFlag;
  /** The second factor before sensitive operations in the console. */
  readonly action: LoginActionFlag;
  /** Whose knowledge this is. */
  readonly source: MfaSource;
  /** When CAM was asked, or when the outcome of the gateway's write became known: ISO 8601. */
  readonly asOf: string;
}

export interface SubUser {
  /** Of the user in all accounts: the Uin, with the account and a slash before it unless it is `default`. */
  readonly id: string;
  /** A decimal string. */
  readonly opUin: string;
  /** The name that the gateway has for the account; `default` for the one that needs no name. */
  readonly account: string;
  readonly name: string | null;
  readonly uid: string | null;
  readonly remark: string | null;
  readonly userType: number | null;
  /** As CAM writes it: YYYY-MM-DD hh:mm:ss, without a time zone. */
  readonly createTime: string | null;
  readonly lastLoginTime: string | null;
  readonly lastLoginIp: string | null;
  /** Null where it could not be read; `onFieldError` hears why. */
  readonly mfa: SubUserMfa | null;
}

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

/** Which changes to list. Whatever is left out, null or undefined does not narrow the list. */
export interface MfaChangesFilter {
  readonly opUin?: string | null | undefined;
  /** `default` is the account that needs no name. */
  readonly account?: string | null | undefined;
  readonly status?: MfaChangeStatus | null | undefined;
  /** The subject of the caller who asked for the change. */
  readonly caller?: string | null | undefined;
  /** Begun at or after: ISO 8601. */
  readonly from?: string | null | undefined;
  /** Begun before: ISO 8601. */
  readonly until?: string | null | undefined;
  /** How many, from 1 to 100; 20 where left out. */
  readonly first?: number | null | undefined;
  /** The `endCursor` of the page before. */
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

/** Which methods of one protection to switch. What is left out, null or undefined stays as it is. */
export interface MethodsToSwitch {
  /** A code by SMS; the user needs a bound phone. */
  readonly phone?: boolean | null | undefined;
  /** A virtual MFA device (TOTP). */
  readonly stoken?: boolean | null | undefined;
  /** A scan by WeChat; the user needs a bound WeChat. */
  readonly wechat?: boolean | null | undefined;
}

/** The arguments of setSubUserMfa and trySetSubUserMfa. */
export interface SetSubUserMfaInput {
  /** A decimal string, for a JavaScript number loses digits of such ids. */
  readonly opUin: string;
  /** The account whose user it is, by its name in the gateway; the default one where left out. */
  readonly account?: string | null | undefined;
  readonly login?: MethodsToSwitch | null | undefined;
  readonly action?: MethodsToSwitch | null | undefined;
  /** Write a protection although it uses a method that a write cannot express and that may be lost. */
  readonly overwriteOtherMethods?: boolean | null | undefined;
  /** Why, for the record: at most 500 characters. Some changes are refused without (`REASON_REQUIRED`). */
  readonly reason?: string | null | undefined;
}

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
  /** The gateway's id of the request. */
  readonly requestId: string;
  /** CAM's RequestId, for its support. */
  readonly camRequestId: string | null;
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

/** The arguments of approveMfaChange, tryApproveMfaChange and rejectMfaChange. */
export interface DecisionInput {
  /** The change: `changeId` of APPROVAL_REQUIRED. */
  readonly id: string;
  /** Why, for the record: at most 500 characters. */
  readonly reason?: string | null | undefined;
}

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

/** How one action of CAM stands to its limit of calls per second. */
export interface CamActionQuota {
  /** The account with whose key the action was called. */
  readonly account: string;
  readonly action: string;
  /** Calls a second that CAM takes. */
  readonly ratePerSecond: number;
  readonly windowMs: number;
  /** Calls in the window that ends now. */
  readonly used: number;
  /** Calls that wait for a slot in the replica that answered. */
  readonly queued: number;
  readonly nextSlotInMs: number;
  readonly throttledRecently: boolean;
  /** Whether the figures are of all replicas. */
  readonly shared: boolean;
}
