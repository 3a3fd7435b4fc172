import type { CallerPauses } from "../audit/caller-pauses.ts";
import type { ChangeRecord, ChangeSettlement } from "../audit/change-record.ts";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import type { PolicyFile } from "../auth/policy/policy-file.ts";
import {
  ChangeAccess,
  type ChangeAccessDeps,
  PausedCallers,
  type PausedCallersObserver,
} from "../changes/change-access.ts";
import { ChangeService, type ChangeServiceDeps } from "../changes/change-service.ts";
import type { RecentWrites } from "../changes/changes-of-user.ts";
import type { ChangeObserver } from "../changes/mfa-change.ts";
import { type CamErrorCode, describeCamError } from "../contract/index.ts";
import { currentOperation } from "../telemetry/operation.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Foundation } from "./foundation.ts";
import type { OpenRecord } from "./open-record.ts";

interface ChangeParts extends Pick<OpenRecord, "changeStore" | "approvalStore" | "rolloutChangeStore"> {
  readonly accounts: ChangeAccessDeps["accounts"] & ChangeServiceDeps["accounts"];
  readonly policy: PolicyFile | undefined;
  readonly pauses: CallerPauses;
  readonly recentWrites: RecentWrites;
}

interface OpenChanges {
  readonly changes: ChangeService;
  readonly pausedCallers: PausedCallers;
}

/** Opens the service that makes changes. It closes when no change is in flight. */
export function openChanges({ clock, telemetry, closers }: Foundation, parts: ChangeParts): OpenChanges {
  const { accounts, policy, pauses } = parts;
  const observer = changeObserver(telemetry);
  const pausedCallers = new PausedCallers({ pauses, observer });
  const access = new ChangeAccess({ policy, accounts, clock });
  const changes = new ChangeService({ ...parts, access, clock, pausedCallers, observer });
  closers.defer(() => changes.idle());
  return { changes, pausedCallers };
}

/** Reports each request for a change: the caller, the user, the flag sets and the outcome. */
export function changeObserver({
  report,
  metrics,
  clock,
}: Telemetry): ChangeObserver & PausedCallersObserver {
  return {
    onChange({ request, context, approves, rollout, shared, changeId, flagSets, result, durationMs }) {
      const fields = {
        requestId: context.requestId,
        ...callerFields(context.caller),
        changeId,
        // The name from the request. An account of this name may not exist.
        account: request.account ?? DEFAULT_ACCOUNT,
        opUin: request.opUin,
        sent: flagSets,
        durationMs: Math.round(durationMs),
        ...(rollout === undefined ? {} : { rolloutId: rollout.rolloutId, item: rollout.item }),
        ...(approves === undefined ? {} : { approvedFor: approves.requester.subject }),
        // Only shared requests have this field. They are rare.
        ...(shared ? { shared } : {}),
      };
      // A shared request waits for a change that another request makes.
      const nowMs = clock.monotonic();
      if (shared) currentOperation.getStore()?.addCamWait(nowMs - durationMs, nowMs);
      const count = (status: string, code: CamErrorCode | "OK"): void => {
        const category = code === "OK" ? code : describeCamError(code).category;
        metrics.record("mfa.changes", 1, { status, code, category });
        const rule = RULE_KINDS[code];
        if (rule !== undefined) metrics.record("refusals", 1, { rule });
      };
      if ("outcome" in result) {
        count("applied", "OK");
        return report("change.applied", { ...fields, ...result.outcome });
      }
      const { error, failure } = result;
      // An error that the gateway did not raise deliberately has no failure.
      const code = failure?.code ?? "INTERNAL";
      if (code === "APPROVAL_REQUIRED") {
        count("awaiting_approval", code);
        return report("change.awaits_approval", { ...fields, expiresAt: failure?.expiresAt });
      }
      count(UNPROVEN.has(code) ? "unknown" : "refused", code);
      const { cam } = failure ?? {};
      const camFields = { camCode: cam?.code, camRequestId: cam?.requestId };
      const failed = { ...fields, code, why: failure?.message, ...camFields };
      // No other log line contains the reason for the store's failure.
      if (code === "STORE_UNAVAILABLE") return report("change.not_recorded", { ...failed, err: error });
      report(UNPROVEN.has(code) ? "change.outcome_unknown" : "change.not_applied", failed);
    },
    onRejected: ({ record, caller, requestId }) =>
      report("change.rejected", {
        ...{ requestId, ...callerFields(caller), ...recordFields(record) },
        requestedBy: record.caller.subject,
      }),
    onUnsettled: (changeId, err) => report("change.not_settled", { changeId, err }),
    onCallerPaused: (caller, opUin) => {
      metrics.record("caller.pauses", 1);
      report("caller.paused", { ...callerFields(caller), opUin });
    },
    onCallerResumed: (pause) =>
      report("caller.resumed", { ...callerFields(pause), resumedBy: pause.resumed?.by.subject }),
  };
}

/** Codes that leave the outcome open. An unexpected error also has a line `internal_error` with its stack. */
const UNPROVEN: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "INTERNAL"]);

/** The kinds of rules that refuse a change, by code. */
const RULE_KINDS: Readonly<Partial<Record<string, string>>> = {
  FORBIDDEN: "policy",
  PROTECTED_USER: "protected_user",
  REASON_REQUIRED: "reason",
  APPROVAL_REQUIRED: "approval",
  CALLER_PAUSED: "bulk_guard",
};

function callerFields({ subject, client, issuer }: Partial<CallerIdentity>) {
  return { caller: subject, callerClient: client, callerIssuer: issuer };
}

function recordFields({ id: changeId, account, opUin }: ChangeRecord) {
  return { changeId, account, opUin };
}

/** Reports the outcome of a change that no request waits for any more. */
export function reconcilerObserver({ report, metrics }: Telemetry) {
  return {
    onSettled: (record: ChangeRecord, settlement: ChangeSettlement) => {
      const { status, code } = settlement;
      metrics.record("mfa.changes.reconciled", 1, { status });
      const open = status === "unknown" ? "change.still_unknown" : "change.settled";
      const event = code === "APPROVAL_EXPIRED" ? "change.approval_expired" : open;
      report(event, { ...recordFields(record), ...settlement });
    },
    onAppliedLate: (record: ChangeRecord) => report("change.applied_late", recordFields(record)),
    onError: (err: unknown) => report("change.reconciler_failed", { err }),
  };
}
