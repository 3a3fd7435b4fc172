import type { Uin } from "../contract/index.ts";

export const CHANGE_STATUSES = ["awaiting_approval", "pending", "applied", "refused", "unknown"] as const;

/**
 * awaiting_approval: on record, and nothing happens before another caller approves it. pending: on record, outcome to
 * come. applied: in force. refused: proven not to have been applied. unknown: nothing proves either; the reconciler
 * reads the user again for a day.
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

interface ApprovalDecision {
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
  /** The full flag sets that were, or were to be, sent. */
  readonly sent: object;
  readonly status: ChangeStatus;
  /** Undefined where nobody has to approve it. */
  readonly approval: ChangeApproval | undefined;
  /** The gateway's MAC over what an approver agrees to, and the fingerprint of its key. See request-seal.ts. */
  readonly requestMac: { readonly mac: string; readonly key: string } | undefined;
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
  /** The record as it was read to compose the flag sets. */
  readonly composedFrom?: ChangeRecord;
}

/** What the before-image of an intent was made from. */
export interface BeforeImageBasis {
  /** The `settleOrder` of the latest recent write that it was composed with. */
  readonly known: number | undefined;
  /** How long ago, by the reader's own clock, the reading of the user began. */
  readonly ageMs: number;
}

/** A write of a user, applied or of unknown outcome, that a read may not show yet. */
export interface RecentWrite {
  readonly changeId: string;
  readonly status: "applied" | "unknown";
  readonly before: object;
  readonly sent: object;
  /** When its outcome became known, or became unknown. */
  readonly finishedAt: Date;
  /** Orders the outcomes of the user's changes, whatever the clock does. */
  readonly settleOrder: number;
  /** How long ago that was, by the database's clock. Negative where that clock was set back since. */
  readonly ageMs: number;
}

/** What the other changes of a user say about a reading that shows what one change sent. */
export interface OtherWrites {
  /** The flag sets of changes that CAM heard of later, and that were not refused. */
  readonly later: readonly object[];
  /** Images of the user from before the change that the reading may still show: as read, or as sent. */
  readonly earlier: readonly object[];
}

/**
 * PAUSED, PAUSES: the bulk guard stands in the way, with PAUSES since this very moment.
 * BUSY: another change is open. STALE: the before-image was not composed with the latest recent write.
 */
type VerdictOfBoth = "BEGUN" | "STALE" | "BUSY" | "PAUSED" | "PAUSES";

/** Whether an intent is on record, and if not, why; `id` is the change, or the pause, that stands in the way. */
export interface BeginVerdict {
  readonly kind: VerdictOfBoth | "AWAITING" | "JOIN" | "FULL" | "REPLAY" | "KEY_REUSED";
  readonly id: string;
}

/**
 * Whether a change was approved, and if not, why; `id` is the change, or the pause, that stands in the way.
 * FORGED: the record does not hold what this gateway recorded; it is settled as refused.
 */
export interface ApproveVerdict {
  readonly kind: VerdictOfBoth | "DECIDED" | "OWN" | "EXPIRED" | "FORGED";
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
  /** Whether the user was read to find out about an unknown outcome. An unknown outcome is sealed after enough read-backs. */
  readonly readBack?: boolean | undefined;
}

/** That an outcome is on record. */
export interface Settled {
  /** As in RecentWrite. */
  readonly settleOrder: number;
  readonly at: Date;
  /** Whether nothing about the record can change any more. */
  readonly sealed: boolean;
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

/** A row of mfa_change, as `fromRow` returns it. */
export interface ChangeRow
  extends Omit<ChangeRecord, "caller" | "before" | "approval" | "requestMac" | "seq"> {
  readonly callerSubject: string;
  readonly callerClient?: string;
  readonly callerIssuer?: string;
  readonly beforeImage: object;
  readonly seq?: string | number;
  readonly expiresAt?: Date;
  readonly decision?: ApprovalDecision["kind"];
  readonly decidedAt: Date;
  readonly decidedBySubject: string;
  readonly decidedByClient?: string;
  readonly decidedByIssuer?: string;
  readonly decisionRequestId: string;
  readonly decisionReason?: string;
  readonly requestMac?: string;
  readonly requestKey?: string;
}

export function toChangeRecord(row: ChangeRow): ChangeRecord {
  const { requestMac: mac, requestKey: key, seq } = row;
  return {
    id: row.id,
    account: row.account,
    opUin: row.opUin,
    caller: { subject: row.callerSubject, client: row.callerClient, issuer: row.callerIssuer },
    gatewayRequestId: row.gatewayRequestId,
    requested: row.requested,
    reason: row.reason,
    requestHash: row.requestHash,
    before: row.beforeImage,
    sent: row.sent,
    status: row.status,
    approval: row.expiresAt && { expiresAt: row.expiresAt, decision: toDecision(row) },
    requestMac: mac === undefined || key === undefined ? undefined : { mac, key },
    resolvedBy: row.resolvedBy,
    code: row.code,
    camCode: row.camCode,
    camAction: row.camAction,
    camRequestId: row.camRequestId,
    attempts: row.attempts,
    quotaWaitMs: row.quotaWaitMs,
    replica: row.replica,
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
    seq: seq === undefined ? undefined : String(seq),
  };
}

function toDecision(row: ChangeRow): ApprovalDecision | undefined {
  return (
    row.decision && {
      kind: row.decision,
      by: { subject: row.decidedBySubject, client: row.decidedByClient, issuer: row.decidedByIssuer },
      at: row.decidedAt,
      reason: row.decisionReason,
      gatewayRequestId: row.decisionRequestId,
    }
  );
}
