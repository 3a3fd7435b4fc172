import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { BeforeImageBasis, ChangeIntent, ChangeSettlement } from "../../src/audit/change-record.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";

/** A before-image that was read now, composed with no write. */
export const FRESH: BeforeImageBasis = { lastSettleOrder: undefined, ageMs: 0 };

/** A before-image that is older than every write of a test. */
export const OLD: BeforeImageBasis = { lastSettleOrder: undefined, ageMs: 600_000 };

export const APPLIED: ChangeSettlement = {
  status: "applied",
  resolvedBy: "REPLY",
  camAction: "SetMfaFlag",
  camRequestId: "cam-request",
  attempts: 1,
  quotaWaitMs: 12.4,
};

/** No proof of the outcome of the change. */
export const UNKNOWN: ChangeSettlement = {
  status: "unknown",
  code: "OUTCOME_UNKNOWN",
  attempts: 1,
  quotaWaitMs: 0,
};

/** Makes a change due for the reconciler, as if the waiting time were over. */
export async function makeDue({ db }: Database, id: string): Promise<void> {
  await sql`update mfa_change set lease_until = now() - interval '1 second' where id = ${id}`.execute(db);
}

/** An intent of a user that no other test has. */
export function intentOf(change: Partial<ChangeIntent> = {}): ChangeIntent {
  return {
    account: "default",
    opUin: newUin(),
    caller: { subject: "alice", client: "portal", issuer: "https://issuer.example" },
    gatewayRequestId: randomUUID(),
    requested: { login: { phone: true }, overwriteOtherMethods: false },
    reason: "The phone was lost.",
    requestHash: "hash-a",
    idempotencyKey: undefined,
    before: { login: { phone: false, stoken: false, wechat: null } },
    sent: { login: { phone: true, stoken: false, wechat: false } },
    leaseMs: 60_000,
    ...change,
  };
}

let users = 0;

export function newUin(): Uin {
  users++;
  return `1000${process.pid}${users}` as Uin;
}
