import type { CamErrorCode } from "../contract/index.ts";
import type { LoginActionFlag, PageInfo, SubUserMfa } from "./schema-types.ts";

/** Whether a protection has a method. UNKNOWN counts as neither: the gateway has not read it. */
export type ProtectionState = "PROTECTED" | "UNPROTECTED" | "UNKNOWN";

/** The strength of login protection: that of the weakest method that is on. */
export type ProtectionStrength = "UNKNOWN" | "NONE" | "SMS" | "WECHAT_OR_MAIL" | "TOTP" | "HARDWARE";

/** A method of a protection. */
export type MfaMethod = "PHONE" | "TOKEN" | "STOKEN" | "WECHAT" | "CUSTOM" | "MAIL" | "U2F_TOKEN" | "PASSKEY";

/** How the gateway learned a user's protections: by a scan, by the read of an operation, or by a change of its own. */
export type DirectorySource = "SCAN" | "READ" | "CHANGE";

/** Whether a method can be switched on. UNKNOWN if CAM does not tell. */
export type MethodAvailability = "YES" | "NO" | "UNKNOWN";

/** Whether a method can be switched on for a user. */
export interface AvailableMethod {
  readonly method: MfaMethod;
  readonly available: MethodAvailability;
  /** The error of a change that is or may be refused. */
  readonly code: CamErrorCode | null;
  readonly remedy: string | null;
  /** The user's next login to the console with this method on. Null if it cannot be switched on. */
  readonly atNextLogin: string | null;
}

/** A user's protections, as the gateway knows them. */
export interface KnownMfa {
  readonly login: LoginActionFlag;
  readonly action: LoginActionFlag;
  readonly source: DirectorySource;
}

/** The data of a user in the directory, read without a call to CAM. An unknown value is null. */
export interface DirectoryFields {
  readonly strength: ProtectionStrength | null;
  readonly loginProtection: ProtectionState | null;
  readonly actionProtection: ProtectionState | null;
  /** The time of that knowledge: ISO 8601. Null if the gateway never read the protections. */
  readonly protectionsAsOf: string | null;
  readonly hasPhone: boolean | null;
  readonly hasEmail: boolean | null;
  /** Whether the user may sign in to the console. */
  readonly consoleLogin: boolean | null;
}

export interface SubUser extends DirectoryFields {
  /** The id of the user across all accounts: `<account>/<Uin>`, or the Uin alone in `default`. */
  readonly id: string;
  /** A decimal string. */
  readonly opUin: string;
  /** The name of the user's account in the gateway, such as `default`. */
  readonly account: string;
  readonly name: string | null;
  readonly uid: string | null;
  readonly remark: string | null;
  readonly userType: number | null;
  /** The time as CAM writes it: YYYY-MM-DD hh:mm:ss, without a time zone. */
  readonly createTime: string | null;
  readonly lastLoginTime: string | null;
  readonly lastLoginIp: string | null;
  /** Whether each method can be switched on for the user now. */
  readonly availableMethods: readonly AvailableMethod[] | null;
  /** Null if the gateway could not read it. `onFieldError` receives the error. */
  readonly mfa: SubUserMfa | null;
}

/** A user in the directory. `subUser` also returns the fields that need a call to CAM. */
export interface DirectoryUser
  extends DirectoryFields,
    Pick<
      SubUser,
      "id" | "opUin" | "account" | "name" | "remark" | "userType" | "createTime" | "lastLoginTime"
    > {
  readonly knownMfa: KnownMfa | null;
}

/** The users to list. A property that is omitted, null or undefined does not filter. All others have to match. */
export interface SubUserDirectoryFilter {
  /** Words that name, Uin or remark contain, upper or lower case. At most 100 characters. */
  readonly search?: string | null | undefined;
  readonly login?: ProtectionState | null | undefined;
  readonly action?: ProtectionState | null | undefined;
  /** Users with at least one of these methods, in either protection. */
  readonly methods?: readonly MfaMethod[] | null | undefined;
  readonly strength?: readonly ProtectionStrength[] | null | undefined;
  readonly hasPhone?: boolean | null | undefined;
  readonly consoleLogin?: boolean | null | undefined;
  readonly neverLoggedIn?: boolean | null | undefined;
  /** Users without a login since this time: ISO 8601, as is staleSince. */
  readonly inactiveSince?: string | null | undefined;
  /** Users whose protections the gateway has not read since this time, or never. */
  readonly staleSince?: string | null | undefined;
  /** At most 500. */
  readonly opUins?: readonly string[] | null | undefined;
}

export type SubUserDirectoryOrderField = "NAME" | "LAST_LOGIN" | "CREATED" | "STRENGTH" | "PROTECTIONS_AS_OF";

export type SortDirection = "ASC" | "DESC";

export interface SubUserDirectoryOrder {
  readonly field: SubUserDirectoryOrderField;
  /** Default: ASC. */
  readonly direction?: SortDirection | null | undefined;
}

/** Accounts by their names in the gateway. Default: all that the caller may use. */
export interface AccountsInput {
  readonly accounts?: readonly string[] | null | undefined;
}

/** The arguments of subUserDirectory. */
export interface SubUserDirectoryInput extends AccountsInput {
  readonly filter?: SubUserDirectoryFilter | null | undefined;
  /** Default: by name. */
  readonly orderBy?: SubUserDirectoryOrder | null | undefined;
  /** The number of users, from 1 to 100. Default: 20. */
  readonly first?: number | null | undefined;
  /** The `endCursor` of the previous page, with the same accounts, filter and order. */
  readonly after?: string | null | undefined;
}

/** A page of users. */
export interface SubUserDirectoryConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: DirectoryUser }[];
  readonly pageInfo: PageInfo;
  /** The number of users in all pages. */
  readonly totalCount: number;
}

/** The users of an account by the state of one protection. */
export interface ProtectionCounts {
  readonly protected: number;
  readonly unprotected: number;
  readonly unknown: number;
}

/** The protection of an account's users, as the gateway knows them. */
export interface MfaCoverage {
  readonly account: string;
  readonly users: number;
  readonly login: ProtectionCounts;
  readonly action: ProtectionCounts;
  /** From UNKNOWN and NONE to HARDWARE. */
  readonly strengths: readonly { readonly strength: ProtectionStrength; readonly users: number }[];
  readonly neverLoggedIn: number;
  readonly unknown: number;
  /** Users whom an exception of the policy excuses from rollouts. */
  readonly excused: number;
  /** The time of the oldest known protections: ISO 8601. */
  readonly oldestKnowledge: string | null;
}

export type DirectoryScanStatus = "NEVER" | "WAITING" | "RUNNING" | "PAUSED" | "FAILED" | "DONE";

/** The scan of an account: the one under way, or the last one. */
export interface DirectoryScan {
  readonly account: string;
  readonly status: DirectoryScanStatus;
  /** ISO 8601, as are finishedAt and dueAt. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** The time of the next scan. */
  readonly dueAt: string | null;
  readonly users: number;
  readonly readUsers: number;
  /** The users whose protections CAM could not show. */
  readonly failedUsers: number;
  readonly calls: number;
  /** The error that stopped the scan. */
  readonly code: CamErrorCode | null;
  readonly camCode: string | null;
  /** With CAM_PERMISSION_DENIED, the CAM action that the key needs. */
  readonly camAction: string | null;
  readonly pausedBy: string | null;
}

/** The account of scanDirectory, pauseDirectoryScan and resumeDirectoryScan. Default: the default account. */
export interface ScanInput {
  readonly account?: string | null | undefined;
}

/** The arguments of mfaDrift. */
export interface MfaDriftInput extends AccountsInput {
  /** The earliest time of the record, inclusive: ISO 8601. */
  readonly since?: string | null | undefined;
  /** The number of entries, from 1 to 100. Default: 20. */
  readonly first?: number | null | undefined;
  /** The `endCursor` of the previous page. */
  readonly after?: string | null | undefined;
}

/** A user's protections at one time. */
export interface MfaImage extends KnownMfa {
  /** ISO 8601, by the database's clock. */
  readonly asOf: string;
}

/** A change of a user's protections that the gateway did not make. */
export interface MfaDrift {
  readonly id: string;
  readonly account: string;
  readonly opUin: string;
  readonly name: string | null;
  /** The last protections that the gateway knew. */
  readonly before: MfaImage;
  /** The protections that two reads, a minute apart, showed instead. */
  readonly after: MfaImage;
  /** The start of the first read that differs: ISO 8601, as is foundAt. */
  readonly firstSeenAt: string;
  readonly foundAt: string;
}

/** A page of drift, the latest first. */
export interface MfaDriftConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: MfaDrift }[];
  readonly pageInfo: PageInfo;
}
