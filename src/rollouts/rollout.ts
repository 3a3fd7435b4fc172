/**
 * Owns rollouts: changes of many users by a plan. A caller plans, another person approves if necessary, and each item is
 * a change like any other (src/changes/). Read rollout-planner.ts next.
 */

import type { Caller } from "../auth/caller.ts";
import type { SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { MfaChangeRequest } from "../changes/mfa-change.ts";
import type { Uin } from "../contract/index.ts";
import type { UserSelection } from "../directory/user-filter.ts";

/**
 * The most users in a plan. A request with that many Uins of 20 digits is a little larger than half of MAX_BODY_BYTES.
 */
export const MAX_USERS = 100_000;

/** The permitted transitions are rows of mfa_rollout_step (schema/migrations/0015_rollouts.sql). */
export const ROLLOUT_STATUSES = [
  "planning",
  "plan_failed",
  "planned",
  "awaiting_approval",
  "running",
  "paused",
  "stopped",
  "done",
  "cancelled",
  "expired",
] as const;

export type RolloutStatus = (typeof ROLLOUT_STATUSES)[number];

/**
 * The state of one user. A plan gives the first five; a run the others. changing: an attempt is in progress. unknown:
 * the outcome of an attempt is unknown.
 */
export const ITEM_STATES = [
  "will_change",
  "already_so",
  "blocked",
  "at_risk",
  "excused",
  "changing",
  "unknown",
  "applied",
  "failed",
  "changed_since",
] as const;

export type ItemState = (typeof ITEM_STATES)[number];

/** The wanted protections. A rollout never has overwriteOtherMethods. */
export type DesiredProtections = Pick<MfaChangeRequest, "login" | "action">;

/** The users of a rollout. A user must match all parts that are given. */
export interface RolloutSelection {
  readonly accounts: readonly string[];
  readonly filter: Omit<UserSelection, "accounts" | "opUins" | "staleSince">;
  /** Undefined: all users that match. */
  readonly opUins: readonly Uin[] | undefined;
}

/** The number of users in a wave, and the conditions for the start of the next wave. */
export interface Wave {
  readonly users: number;
  readonly holdHours: number;
  readonly waitForRelease: boolean;
}

/** The times at which items may begin. */
export interface RolloutWindow {
  readonly timeZone: string;
  /** Undefined: every day. */
  readonly days?: readonly string[] | undefined;
  /** `HH:MM`. */
  readonly from: string;
  /** `HH:MM`, not included. `24:00` is the end of the day. */
  readonly to: string;
}

export interface RolloutOptions {
  /** A number of users, or a percentage of those that will change. */
  readonly maxFailures: { readonly count: number } | { readonly percent: number };
  /** Users after the listed waves form one more wave. */
  readonly waves: readonly Wave[];
  readonly window: RolloutWindow | undefined;
  /** Whether the run also changes users at risk of a lock-out. */
  readonly includeAtRisk: boolean;
}

/** A rollout as its caller requested it. An undo has neither a selection nor wanted protections. */
export interface RolloutInput extends RolloutOptions {
  readonly selection: RolloutSelection | undefined;
  readonly desired: DesiredProtections | undefined;
}

export interface RolloutCaller {
  readonly subject: string;
  readonly client: string | undefined;
  readonly issuer: string | undefined;
}

export interface RolloutApproval {
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  /** Undefined while the rollout waits for a decision, and after the time limit. */
  readonly decision:
    | {
        readonly kind: "approved" | "rejected" | "withdrawn";
        readonly by: RolloutCaller;
        readonly at: Date;
        readonly reason: string | undefined;
      }
    | undefined;
}

/** The cost of a plan. */
export interface RolloutPrice {
  /** The calls to CAM of the run and of the reads after it. */
  readonly camCalls: number;
  /**
   * The time of the slowest account, or that of the error budget if it is longer. Excludes holds and times outside the
   * window.
   */
  readonly seconds: number;
  readonly secondsByAccount: readonly {
    readonly account: string;
    readonly users: number;
    readonly camCalls: number;
    readonly seconds: number;
  }[];
  /** The seconds that the error budget adds, because it limits the number of open items. */
  readonly budgetSeconds: number;
  /** The users with a protection that has a method before and none afterwards. Plans of earlier releases lack it. */
  readonly usersLosingProtection?: number;
}

/** A rollout. Times are by the clock of the database. */
export interface Rollout {
  /** UUIDv7: sorts by time. */
  readonly id: string;
  readonly name: string;
  readonly reason: string;
  readonly status: RolloutStatus;
  readonly code: string | undefined;
  readonly camCode: string | undefined;
  readonly hint: string | undefined;
  readonly input: RolloutInput;
  readonly accounts: readonly string[];
  readonly undoOf: string | undefined;
  readonly requestedBy: RolloutCaller;
  readonly createdAt: Date;
  readonly policyHash: string | undefined;
  readonly planHash: string | undefined;
  readonly plannedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly maxFailures: number | undefined;
  /** The shortest time limit of an approval that a rule requires for an item. Undefined: no rule requires one. */
  readonly approvalMinutes: number | undefined;
  readonly price: RolloutPrice | undefined;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  /** The wave whose items may begin, from 1. */
  readonly wave: number | undefined;
  readonly waveHeldUntil: Date | undefined;
  readonly waveAwaitsRelease: boolean;
  /** Undefined if no approval was requested. */
  readonly approval: RolloutApproval | undefined;
}

/** A user's protections in the directory at the time of the plan. */
export interface ItemImage extends SafeAuthFlags {
  /** ISO 8601, by the clock of the database. */
  readonly asOf: string;
}

export type SentFlagSets = Omit<SetMfaFlagInput, "opUin">;

/** One user of a rollout. */
export interface RolloutItem {
  /** The place in the plan, from 1. */
  readonly item: number;
  /** Undefined for a listed Uin that none of several accounts has. */
  readonly account: string | undefined;
  readonly opUin: Uin;
  readonly name: string | undefined;
  readonly before: ItemImage | undefined;
  /** The full flag sets to send. */
  readonly sent: SentFlagSets | undefined;
  readonly state: ItemState;
  readonly code: string | undefined;
  readonly camCode: string | undefined;
  readonly why: string | undefined;
  /** The state and the code in the plan, which a run overwrites. */
  readonly plannedState: ItemState;
  readonly plannedCode: string | undefined;
  /** Undefined if the run does not change the user. */
  readonly wave: number | undefined;
  readonly attempt: number;
  readonly changeId: string | undefined;
  readonly settledAt: Date | undefined;
  readonly readBack: ItemImage | undefined;
  readonly readBackAt: Date | undefined;
}

/** The number of users with the same state and code. */
export interface RolloutReason {
  readonly state: ItemState;
  readonly code: string;
  readonly users: number;
}

/** The items of one account that are to be changed. */
export interface RolloutLane {
  readonly account: string;
  readonly total: number;
  readonly done: number;
  /** held: the lane waits, for example because CAM throttles or is unavailable. `code` is the reason. */
  readonly state: "waiting" | "running" | "held" | "done";
  readonly code: string | undefined;
  /** The seconds that the rest takes at the account's limit. */
  readonly secondsLeft: number;
}

/** The reads of all changed users after the run. */
export interface RolloutProof {
  /** The items whose protections differ from those that the run left. */
  readonly differences: number;
  readonly readBackAt: Date;
  /** Whether the digest of the reads is in the gateway's chain. */
  readonly sealed: boolean;
}

/** An item as the planner makes it. */
export interface PlannedItem
  extends Pick<RolloutItem, "item" | "account" | "opUin" | "name" | "state">,
    Partial<Pick<RolloutItem, "before" | "sent" | "code" | "why" | "wave">> {}

/** The caller and the request of an order about a rollout. */
export interface RolloutContext {
  readonly caller: Caller;
  /** The gateway's id of the operation. */
  readonly requestId: string;
}
