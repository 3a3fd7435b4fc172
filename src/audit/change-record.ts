import type { Uin } from "../contract/index.ts";

export const CHANGE_STATUSES = ["awaiting_approval", "pending", "applied", "refused", "unknown"] as const;

/**
 * awaiting_approval: on record, and nothing happens before another caller approves it. pending: on record, outcome to come. applied: in force. refused: not in force, and will not be. unknown: CAM's
 * reply was lost and the user could not be read yet; the reconciler goes on trying.
 */
export type ChangeStatus = (typeof CHANGE_STATUSES)[number];

export interface RecordedCaller {
  readonly subject: string;
  readonly client: string | undefined;
  readonly issuer: string | undefined;
}

/** What became of a change that another caller has to approve. */
export interface ChangeApproval {
  readonly expiresAt: Date;
  /** Undefined while it is awaited, and for ever where it expired. */
  readonly decision: ApprovalDecision | undefined;
}

export interface ApprovalDecision {
  /** withdrawn: rejected by who had asked for it. */
  readonly kind: "approved" | "rejected" | "withdrawn";
  readonly by: RecordedCaller;
  readonly at: Date;
  readonly reason: string | undefined;
  readonly gatewayRequestId: string;
}

/** One change as it stands in the record. Times are the database's clock. */
export interface ChangeRecord {
  /** UUIDv7: sorts by when the change was begun, as finely as the database's clock goes. */
  readonly id: string;
  /** The account that it was made in, by the name that the gateway had for it. */
  readonly account: string;
  readonly opUin: Uin;
  readonly caller: RecordedCaller;
  readonly gatewayRequestId: string;
  /** What the caller asked for. */
  readonly requested: object;
  /** Why, in the caller's words. */
  readonly reason: string | undefined;
  readonly requestHash: string;
  /** The user's protections as read before: where the change was approved, before it was sent. */
  readonly before: object;
  /** The full blocks that were, or were to be, sent. */
  readonly sent: object;
  readonly status: ChangeStatus;
  /** Undefined where nobody has to approve it. */
  readonly approval: ChangeApproval | undefined;
  readonly resolvedBy: "REPLY" | "READ_BACK" | undefined;
  /** Our code, where the change was refused or its outcome is unknown. */
  readonly code: string | undefined;
  readonly camCode: string | undefined;
  readonly camAction: string | undefined;
  readonly camRequestId: string | undefined;
  /** Requests of the write that were made to CAM. */
  readonly attempts: number;
  readonly quotaWaitMs: number;
  readonly replica: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
  /** The place in the hash chain; undefined while something about the record can still change. */
  readonly seq: string | undefined;
}

/** What is put on record before CAM hears of a change. */
export interface ChangeIntent {
  readonly account: string;
  readonly opUin: Uin;
  readonly caller: RecordedCaller;
  readonly gatewayRequestId: string;
  readonly requested: object;
  readonly reason: string | undefined;
  readonly requestHash: string;
  readonly idempotencyKey: string | undefined;
  readonly before: object;
  readonly sent: object;
  /** How long the change may take; after that any replica may take it over. */
  readonly leaseMs: number;
  /** How long another caller has to approve it; undefined where nobody has to. */
  readonly approvalMs?: number | undefined;
}

/** What is put on record when a change is approved. */
export interface ChangeApprovalIntent {
  readonly by: RecordedCaller;
  readonly gatewayRequestId: string;
  readonly reason: string | undefined;
  /** As read and composed for this approval. */
  readonly before: object;
  readonly sent: object;
  readonly leaseMs: number;
}

/** How fresh the before-image of an intent is. */
export interface BeforeImageAge {
  /** The last change of the user that the reading is known to come after. */
  readonly knownLatest: string | undefined;
  /** How long ago, by the reader's own clock, the reading began. */
  readonly ageMs: number;
}

/**
 * PAUSED, PAUSES: the bulk guard stands in the way, with PAUSES since this very moment.
 * STALE, BUSY: another change does.
 */
type VerdictOfBoth = "BEGUN" | "STALE" | "BUSY" | "PAUSED" | "PAUSES";

/** Whether an intent is on record, and if not, why; `id` is the change, or the pause, that stands in the way. */
export interface BeginVerdict {
  readonly kind: VerdictOfBoth | "AWAITING" | "JOIN" | "REPLAY" | "KEY_REUSED";
  readonly id: string;
}

/** Whether a change was approved, and if not, why; `id` is the change, or the pause, that stands in the way. */
export interface ApproveVerdict {
  readonly kind: VerdictOfBoth | "DECIDED" | "OWN" | "EXPIRED";
  readonly id: string;
}

export type RejectVerdict = "SETTLED" | "DECIDED" | "EXPIRED";

export interface ChangeSettlement {
  readonly status: "applied" | "refused" | "unknown";
  readonly resolvedBy?: "REPLY" | "READ_BACK" | undefined;
  readonly code?: string | undefined;
  readonly camCode?: string | undefined;
  readonly camAction?: string | undefined;
  readonly camRequestId?: string | undefined;
  readonly attempts: number;
  readonly quotaWaitMs: number;
  /** With a number, the outcome may still become known, and the reconciler looks again after that long. */
  readonly lookAgainAfterMs?: number | undefined;
}

export interface ChangeFilter {
  readonly account?: string | undefined;
  readonly opUin?: Uin | undefined;
  readonly status?: ChangeStatus | undefined;
  readonly callerSubject?: string | undefined;
  /** Begun at or after. */
  readonly from?: Date | undefined;
  /** Begun before. */
  readonly until?: Date | undefined;
}

/** Whether a text has the form of a change's id, so that it can be looked up. */
export function isChangeId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** @throws RangeError where it has not. */
export function requireChangeId(text: string): string {
  if (!isChangeId(text)) throw new RangeError(`${text} is no id of a change.`);
  return text;
}
