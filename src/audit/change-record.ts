import type { CallerIdentity } from "../auth/caller.ts";
import type { Uin } from "../contract/index.ts";

export const CHANGE_STATUSES = ["awaiting_approval", "pending", "applied", "refused", "unknown"] as const;

/**
 * The state of a change. awaiting_approval: recorded; the gateway sends it when another caller approves it. pending:
 * recorded, without an outcome yet. applied: it took effect. refused: it took no effect, and will not. unknown: neither
 * is proven; the gateway reads the user again for a day.
 */
export type ChangeStatus = (typeof CHANGE_STATUSES)[number];

/** The approval of a change that needs one. */
export interface ChangeApproval {
  readonly expiresAt: Date;
  /** Undefined while the change waits, and if it expired. */
  readonly decision: ApprovalDecision | undefined;
}

interface ApprovalDecision {
  /** withdrawn: rejected by the caller who requested the change. */
  readonly kind: "approved" | "rejected" | "withdrawn";
  readonly by: CallerIdentity;
  readonly at: Date;
  readonly reason: string | undefined;
  readonly gatewayRequestId: string;
}

/** A change in the record. Times are by the clock of the database. */
export interface ChangeRecord {
  /** UUIDv7: sorts by when the change began, to the resolution of the database's clock. */
  readonly id: string;
  /** The account's name in the gateway when the change began. */
  readonly account: string;
  readonly opUin: Uin;
  readonly caller: CallerIdentity;
  readonly gatewayRequestId: string;
  /** The change as the caller requested it. */
  readonly requested: object;
  /** The reason in the caller's words. */
  readonly reason: string | undefined;
  readonly requestHash: string;
  /** The before-image; for an approved change, as read at the approval. */
  readonly before: object;
  /** The full flag sets that the gateway sent or would have sent. */
  readonly sent: object;
  readonly status: ChangeStatus;
  /** Undefined if the change needs no approval. */
  readonly approval: ChangeApproval | undefined;
  /** The gateway's MAC over the request for approval, and the fingerprint of its key. See request-macs.ts. */
  readonly requestMac: { readonly mac: string; readonly key: string } | undefined;
  readonly resolvedBy: "REPLY" | "READ_BACK" | undefined;
  /** The gateway's code for a refused change or an unknown outcome. */
  readonly code: string | undefined;
  readonly camCode: string | undefined;
  readonly camAction: string | undefined;
  readonly camRequestId: string | undefined;
  /**
   * The number of attempts at the write, including those that got no connection. Attempts without a key do not count.
   */
  readonly attempts: number;
  readonly quotaWaitMs: number;
  readonly replica: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
  /** The SHA-256 of the policy file that allowed the request, and the ids of its rules. Undefined without a policy. */
  readonly policyHash: string | undefined;
  readonly policyRules: readonly string[] | undefined;
  /** The place in the hash chain of the account; undefined until the record is sealed. */
  readonly seq: string | undefined;
}

/** The intent of a change, recorded before the write to CAM. */
export interface ChangeIntent {
  readonly account: string;
  readonly opUin: Uin;
  readonly caller: CallerIdentity;
  readonly gatewayRequestId: string;
  readonly requested: object;
  readonly reason: string | undefined;
  readonly requestHash: string;
  readonly idempotencyKey: string | undefined;
  readonly before: object;
  readonly sent: object;
  /** How long the change may take. After that any replica may claim it. */
  readonly leaseMs: number;
  /** The SHA-256 of the policy file that allowed the change, and the ids of its rules. Undefined without a policy. */
  readonly policyHash?: string | undefined;
  readonly policyRules?: readonly string[] | undefined;
  /** How long another caller has to approve it; undefined if it needs no approval. */
  readonly approvalMs?: number | undefined;
}

/** The approval of a change, recorded before the write to CAM. */
export interface ChangeApprovalIntent {
  readonly by: CallerIdentity;
  readonly gatewayRequestId: string;
  readonly reason: string | undefined;
  /** The before-image that was read for this approval. */
  readonly before: object;
  /** The flag sets that were composed for this approval. */
  readonly sent: object;
  readonly leaseMs: number;
  /** The record as it was read to compose the flag sets. */
  readonly composedFrom?: ChangeRecord;
}

/** How recent the before-image of an intent is. */
export interface BeforeImageBasis {
  /** The `settleOrder` of the latest recent write that it was composed with. */
  readonly lastSettleOrder: number | undefined;
  /** How long ago the read of the user began, by the reader's own clock. */
  readonly ageMs: number;
}

/** A write of a user, applied or of unknown outcome, that a read may not show yet. */
export interface RecentWrite {
  readonly changeId: string;
  readonly status: "applied" | "unknown";
  readonly before: object;
  readonly sent: object;
  /** The time at which the outcome was recorded. That outcome may be `unknown`. */
  readonly finishedAt: Date;
  /** The place of this outcome in the user's settle order. It does not depend on a clock. */
  readonly settleOrder: number;
  /** The time since `finishedAt`, by the clock of the database. Negative if that clock was set back later. */
  readonly ageMs: number;
}

/** The other changes of a user that may explain a read-back. */
export interface OtherWrites {
  /** The flag sets of changes that CAM received later and did not refuse. */
  readonly later: readonly object[];
  /** Earlier images of the user, read or sent, that a read-back may still show. */
  readonly earlier: readonly object[];
}

/**
 * PAUSED: the bulk guard paused the caller earlier. PAUSES: the bulk guard pauses the caller now.
 * BUSY: another change is open. STALE: the before-image was not composed with the latest recent write.
 */
type CommonVerdict = "BEGUN" | "STALE" | "BUSY" | "PAUSED" | "PAUSES";

/**
 * The verdict on an intent. `id` names the change, or else the other change or the pause that prevents it. AWAITING:
 * recorded, and awaits approval. JOIN: the same change is open. REPLAY: the idempotency key has an earlier change.
 * KEY_REUSED: that change is another one. FULL: too many changes of this user that the caller requested await approval.
 */
export interface BeginVerdict {
  readonly kind: CommonVerdict | "AWAITING" | "JOIN" | "FULL" | "REPLAY" | "KEY_REUSED";
  readonly id: string;
}

/**
 * The verdict on an approval. `id` names the change, or else the other change or the pause that prevents it. DECIDED:
 * the change does not await approval any more. OWN: the approver requested it. EXPIRED: its time for approval is over.
 * FORGED: the record differs from what this gateway recorded, and is settled as refused.
 */
export interface ApproveVerdict {
  readonly kind: CommonVerdict | "DECIDED" | "OWN" | "EXPIRED" | "FORGED";
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
  /** Whether the gateway read the user to find the outcome. An unknown outcome is sealed after enough read-backs. */
  readonly readBack?: boolean | undefined;
}

/** A recorded outcome. */
export interface Settled {
  /** As in RecentWrite. */
  readonly settleOrder: number;
  readonly at: Date;
  /** Whether the record is sealed, so that it cannot change any more. */
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

/** Returns whether a text has the form of a change's id. */
export function isChangeId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Returns the text. @throws RangeError if it does not have the form of a change's id. */
export function requireChangeId(text: string): string {
  if (!isChangeId(text)) throw new RangeError(`${text} is not the id of a change.`);
  return text;
}

/** A row of mfa_change, as `fromRow` returns it. */
export interface ChangeRow
  extends Omit<ChangeRecord, "caller" | "before" | "approval" | "requestMac" | "seq"> {
  readonly callerSubject: string;
  readonly callerClient?: string;
  readonly callerIssuer?: string;
  readonly beforeImage: object;
  /** The place of a record in the chain `legacy`. */
  readonly seq?: string | number;
  readonly chainSeq?: string | number;
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
  const { requestMac: mac, requestKey: key, chainSeq: seq = row.seq } = row;
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
    policyHash: row.policyHash,
    policyRules: row.policyRules,
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
