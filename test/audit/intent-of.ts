import { randomUUID } from "node:crypto";
import type { BeforeImageAge, ChangeIntent, ChangeSettlement } from "../../src/audit/change-record.ts";
import type { Uin } from "../../src/contract/index.ts";

/** A reading that began now and knows of no change. */
export const FRESH: BeforeImageAge = { knownLatest: undefined, ageMs: 0 };

/** A reading from before everything that a test has done. */
export const OLD: BeforeImageAge = { knownLatest: undefined, ageMs: 600_000 };

export const APPLIED: ChangeSettlement = {
  status: "applied",
  resolvedBy: "REPLY",
  camAction: "SetMfaFlag",
  camRequestId: "cam-request",
  attempts: 1,
  quotaWaitMs: 12.4,
};

/** CAM's reply was lost, and the reconciler looks again after so many milliseconds. */
export function unknownFor(lookAgainAfterMs: number): ChangeSettlement {
  return { status: "unknown", code: "OUTCOME_UNKNOWN", attempts: 1, quotaWaitMs: 0, lookAgainAfterMs };
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
