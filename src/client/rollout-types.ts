import type { CamErrorCode } from "../contract/index.ts";
import type { AccountsInput, SubUserDirectoryFilter } from "./directory-types.ts";
import type {
  LoginActionFlag,
  MethodsToSwitch,
  MfaChangeCaller,
  MfaMethodsOfBoth,
  PageInfo,
} from "./schema-types.ts";

/**
 * The state of a rollout. STOPPED: more users failed than its error budget allows. EXPIRED: it was not started, or not
 * approved, in time.
 */
export type MfaRolloutStatus =
  | "PLANNING"
  | "PLAN_FAILED"
  | "PLANNED"
  | "AWAITING_APPROVAL"
  | "RUNNING"
  | "PAUSED"
  | "STOPPED"
  | "DONE"
  | "CANCELLED"
  | "EXPIRED";

/** The state of one user of a rollout. The first five are those of a plan. */
export type MfaRolloutItemState =
  | "WILL_CHANGE"
  | "ALREADY_SO"
  | "BLOCKED"
  | "AT_RISK"
  | "EXCUSED"
  | "CHANGING"
  | "UNKNOWN"
  | "APPLIED"
  | "FAILED"
  | "CHANGED_SINCE";

/** The users of a rollout. All given parts have to match. */
export interface MfaRolloutSelectionInput extends AccountsInput {
  readonly filter?: SubUserDirectoryFilter | null | undefined;
  readonly opUins?: readonly string[] | null | undefined;
}

/** Either a number of users, or a percentage of those that will change. */
export interface MaxFailuresInput {
  readonly count?: number | null | undefined;
  readonly percent?: number | null | undefined;
}

export interface MfaRolloutWaveInput {
  readonly users: number;
  /** The hours before the next wave. */
  readonly holdHours?: number | null | undefined;
  /** Whether the next wave waits for a person. */
  readonly waitForRelease?: boolean | null | undefined;
}

/** The times in which users may be changed. */
export interface MfaRolloutWindowInput {
  /** Such as Mon. Default: every day. */
  readonly days?: readonly string[] | null | undefined;
  /** `HH:MM`, as is `to`. */
  readonly from: string;
  readonly to: string;
  /** An IANA time zone, such as Asia/Shanghai. */
  readonly timeZone: string;
}

/** The input of planMfaRollout. */
export interface PlanMfaRolloutInput {
  readonly name: string;
  readonly reason: string;
  readonly selection: MfaRolloutSelectionInput;
  readonly desired: {
    readonly login?: MethodsToSwitch | null | undefined;
    readonly action?: MethodsToSwitch | null | undefined;
  };
  readonly maxFailures?: MaxFailuresInput | null | undefined;
  readonly waves?: readonly MfaRolloutWaveInput[] | null | undefined;
  readonly window?: MfaRolloutWindowInput | null | undefined;
  /** Whether users at risk are changed too. Default: false. */
  readonly includeAtRisk?: boolean | null | undefined;
}

export interface MfaRolloutCounts {
  readonly willChange: number;
  readonly alreadySo: number;
  readonly blocked: number;
  readonly atRisk: number;
  readonly excused: number;
  readonly changing: number;
  readonly unknown: number;
  readonly applied: number;
  readonly failed: number;
  readonly changedSince: number;
}

/** The cost of a plan. */
export interface MfaRolloutPrice {
  readonly camCalls: number;
  /** The time of the slowest account, without holds and windows. */
  readonly seconds: number;
  readonly slowestAccount: string | null;
  readonly secondsByAccount: readonly { readonly account: string; readonly seconds: number }[];
  readonly failuresAllowed: number;
}

/** The users of one account that are to be changed. */
export interface MfaRolloutLane {
  readonly account: string;
  readonly total: number;
  readonly done: number;
  /** HELD: the lane waits, and `code` says why. */
  readonly state: "WAITING" | "RUNNING" | "HELD" | "DONE";
  readonly code: CamErrorCode | null;
  readonly secondsLeft: number;
}

export interface MfaRolloutProgress {
  readonly total: number;
  readonly done: number;
  readonly secondsLeft: number;
  /** The wave whose users may be changed, from 1. */
  readonly wave: number | null;
  readonly waves: number;
  /** The end of the hold before the next wave: ISO 8601. */
  readonly heldUntil: string | null;
}

/** The reads of all changed users after the run. */
export interface MfaRolloutProof {
  /** The users who differ from what the run left. */
  readonly differences: number;
  readonly readBackAt: string;
  /** Whether the digest of the reads is in the gateway's chain. */
  readonly sealed: boolean;
}

export interface MfaRolloutApproval {
  readonly requestedAt: string;
  readonly expiresAt: string;
  readonly decision: "APPROVED" | "REJECTED" | "WITHDRAWN" | null;
  readonly decidedBy: MfaChangeCaller | null;
  readonly decidedAt: string | null;
  readonly reason: string | null;
}

/** A change of many users by a plan. Times are ISO 8601. */
export interface MfaRollout {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
  readonly status: MfaRolloutStatus;
  readonly code: CamErrorCode | null;
  readonly hint: string | null;
  readonly planHash: string | null;
  readonly accounts: readonly string[];
  readonly createdAt: string;
  readonly plannedAt: string | null;
  readonly expiresAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly requestedBy: MfaChangeCaller;
  readonly approval: MfaRolloutApproval | null;
  /** The id of the rollout whose changes it takes back. */
  readonly undoOf: string | null;
  readonly desired: MfaMethodsOfBoth | null;
  readonly counts: MfaRolloutCounts;
  readonly price: MfaRolloutPrice | null;
  readonly lanes: readonly MfaRolloutLane[];
  readonly progress: MfaRolloutProgress;
  readonly proof: MfaRolloutProof | null;
}

export interface MfaRolloutConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: MfaRollout }[];
  readonly pageInfo: PageInfo;
}

/** The protections of a user at one time. */
export interface MfaRolloutImage {
  readonly login: LoginActionFlag;
  readonly action: LoginActionFlag;
  readonly asOf: string;
}

/** One user of a rollout. */
export interface MfaRolloutItem {
  /** The place in the plan, from 1. */
  readonly item: number;
  readonly account: string | null;
  readonly opUin: string;
  readonly name: string | null;
  readonly state: MfaRolloutItemState;
  readonly code: CamErrorCode | null;
  readonly camCode: string | null;
  readonly why: string | null;
  readonly wave: number | null;
  readonly before: MfaRolloutImage | null;
  readonly sent: MfaMethodsOfBoth | null;
  readonly after: MfaRolloutImage | null;
  readonly changeId: string | null;
}

export interface MfaRolloutItemConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: MfaRolloutItem }[];
  readonly pageInfo: PageInfo;
  readonly totalCount: number;
}
