import type { CamErrorCode } from "../contract/index.ts";
import type { MfaMethod, ProtectionState, ProtectionStrength } from "./directory-types.ts";
import type { LoginActionFlag, MfaChangeCaller, MfaMethodsOfBoth, PageInfo } from "./schema-types.ts";

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

/** How many users have a state for the same reason. */
export interface MfaRolloutReason {
  readonly state: MfaRolloutItemState;
  readonly code: CamErrorCode;
  readonly users: number;
}

/** The cost of a plan. */
export interface MfaRolloutPrice {
  readonly camCalls: number;
  /** The time of the slowest account or of the error budget, without holds and windows. */
  readonly seconds: number;
  readonly slowestAccount: string | null;
  readonly secondsByAccount: readonly {
    readonly account: string;
    readonly users: number;
    readonly camCalls: number;
    readonly seconds: number;
  }[];
  /** The seconds that the error budget adds. */
  readonly budgetSeconds: number;
  readonly failuresAllowed: number;
  /** The users who lose login or operation protection. Null for plans of earlier releases. */
  readonly usersLosingProtection: number | null;
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
  /** Whether the next wave waits for releaseMfaRolloutWave. */
  readonly awaitsRelease: boolean;
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

/** The selected users of a rollout. */
export interface MfaRolloutSelection {
  readonly accounts: readonly string[];
  /** The length of the list of Uins. */
  readonly listedUsers: number | null;
  readonly search: string | null;
  readonly login: ProtectionState | null;
  readonly action: ProtectionState | null;
  readonly methods: readonly MfaMethod[] | null;
  readonly strength: readonly ProtectionStrength[] | null;
  readonly hasPhone: boolean | null;
  readonly consoleLogin: boolean | null;
  readonly neverLoggedIn: boolean | null;
  readonly inactiveSince: string | null;
}

export interface MfaRolloutWave {
  readonly users: number;
  readonly holdHours: number;
  readonly waitForRelease: boolean;
}

export interface MfaRolloutWindow {
  readonly timeZone: string;
  readonly days: readonly string[] | null;
  readonly from: string;
  readonly to: string;
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
  /** The minutes within which the plan must be approved. Null if no rule of the policy requires an approval. */
  readonly approvalMinutes: number | null;
  /** The id of the rollout whose changes it takes back. */
  readonly undoOf: string | null;
  readonly selection: MfaRolloutSelection | null;
  readonly desired: MfaMethodsOfBoth | null;
  readonly maxFailures: number | null;
  readonly waves: readonly MfaRolloutWave[];
  readonly window: MfaRolloutWindow | null;
  readonly includeAtRisk: boolean;
  readonly counts: MfaRolloutCounts;
  /** Why users are not changed: the codes of each state, the most frequent first. */
  readonly reasons: readonly MfaRolloutReason[];
  readonly price: MfaRolloutPrice | null;
  readonly lanes: readonly MfaRolloutLane[];
  readonly progress: MfaRolloutProgress;
  readonly proof: MfaRolloutProof | null;
}

/** A rollout in a list, without what takes long to count. */
export type ListedMfaRollout = Omit<MfaRollout, "counts" | "lanes">;

export interface MfaRolloutConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: ListedMfaRollout }[];
  readonly pageInfo: PageInfo;
}

/** The protections of a user at one time. */
export interface MfaRolloutImage {
  readonly login: LoginActionFlag;
  readonly action: LoginActionFlag;
  /** Null for a state that is planned. */
  readonly asOf: string | null;
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
  readonly readBack: MfaRolloutImage | null;
  readonly changeId: string | null;
  readonly settledAt: string | null;
}

export interface MfaRolloutItemConnection {
  readonly edges: readonly { readonly cursor: string; readonly node: MfaRolloutItem }[];
  readonly pageInfo: PageInfo;
  readonly totalCount: number;
}

/** A rollout with a page of its users. */
export interface MfaRolloutWithItems extends MfaRollout {
  readonly items: MfaRolloutItemConnection;
}

/** Lines of the bundle that proves a rollout. */
export interface MfaRolloutBundle {
  readonly lines: readonly string[];
  /** The number of lines of the whole bundle. */
  readonly total: number;
}
