import type { ChangeSettlement } from "../audit/change-record.ts";
import type { OpenItem } from "../audit/rollout-log.ts";
import type { SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { ChangeAccess, ChangeAccount } from "./change-access.ts";
import {
  asIfApplied,
  mayBeAnother,
  type RecentWrites,
  trailingUnknown,
  withRecentWrites,
} from "./changes-of-user.ts";
import { composeFlagSets, matchesFlagSets, mayBeEqual, turnsOffLastMethod } from "./flag-writer.ts";
import type { ChangeOrder, MfaChangeContext } from "./mfa-change.ts";
import type { ChangeRecorderDeps, PreparedChange } from "./record-change.ts";

interface PrepareDeps {
  readonly access: Pick<ChangeAccess, "authorise" | "requireNotOwn">;
  readonly recentWrites: RecentWrites;
  readonly clock: Clock;
}

/** The time after its deadline for which the record leaves a change to its replica. */
const LEASE_GRACE_MS = 10_000;

/**
 * Reads the user and composes the full flag sets to write. Authorises a second time in parallel with the read, because
 * the change may have waited for its lock since the first time.
 *
 * @throws GatewayError, CamError; as ChangeService.setSubUserMfa.
 */
export async function prepareChange(
  { access, recentWrites, clock }: PrepareDeps,
  order: ChangeOrder,
  account: ChangeAccount,
): Promise<PreparedChange> {
  const { request, context } = order;
  const { opUin } = request;
  const readAtMs = clock.monotonic();
  const { known, writes } = recentWrites.of({ account: account.name, opUin });
  const asOf = new Date(clock.now()).toISOString();
  const reading = account.writer.read(opUin, context, { forWrite: true });
  // A refusal takes precedence over a failed read, and does not wait for the read.
  reading.catch(() => undefined);
  const permission = await access.authorise(order, account);
  const { output } = await reading;
  // If CAM refused the key of the read, the gateway uses another key now, whose owner it must protect too.
  await access.requireNotOwn(request, account, context);

  const before = withRecentWrites({ ...output, asOf }, writes);
  const unknown = trailingUnknown(writes);
  const maybe = unknown.map(({ sent }) => sent);
  const flagSets =
    order.kind === "rollout" ? flagSetsOfPlan(order, before, maybe) : composeFlagSets(request, before, maybe);
  const images = [output, before, ...unknown.map((write) => asIfApplied(before, write))];
  if (request.reason === undefined && images.some((image) => turnsOffLastMethod(image, flagSets))) {
    const hint = "It switches off the last method of this user.";
    throw new GatewayError("REASON_REQUIRED", { opUin, hint });
  }
  const settled = writes.slice(0, writes.length - unknown.length).map(({ sent }) => sent);
  const shownBefore = [output, ...settled, ...writes.map((write) => write.before)];
  const nowMs = clock.monotonic();
  return {
    ...{ before, flagSets, permission },
    readsProve: matchesFlagSets(before, flagSets) || !mayBeAnother(flagSets, shownBefore),
    leaseMs: leaseMsOf(context, nowMs),
    basis: { known, ageMs: nowMs - readAtMs },
  };
}

/**
 * Returns the flag sets of an item, as they were planned and approved.
 * @throws GatewayError PLAN_CHANGED if the user, or what the gateway would compose now, differs from the plan.
 */
function flagSetsOfPlan(
  { request, item }: Extract<ChangeOrder, { kind: "rollout" }>,
  before: SafeAuthFlags,
  maybe: readonly Partial<SetMfaFlagInput>[],
): SetMfaFlagInput {
  const { opUin } = request;
  const isAsPlanned =
    mayBeEqual(item.before, before) &&
    matchesFlagSets({ ...before, ...composeFlagSets(request, before, maybe) }, item.sent);
  if (isAsPlanned) return { opUin, ...item.sent };
  throw new GatewayError("PLAN_CHANGED", {
    opUin,
    hint: "The protections of this user differ from the plan.",
  });
}

/** Returns the time for which the record leaves a change to its replica. */
export function leaseMsOf({ deadlineMs }: Pick<MfaChangeContext, "deadlineMs">, nowMs: number): number {
  return Math.max(0, deadlineMs - nowMs) + LEASE_GRACE_MS;
}

/**
 * Sends the flag sets of an open change again. They are absolute, so an earlier request that CAM applies late changes
 * nothing. A refusal of the repetition proves nothing about the earlier request, so the outcome then stays unknown.
 * Returns undefined if the record does not allow it.
 */
export async function repeatChange(
  { rolloutLog, clock }: Pick<ChangeRecorderDeps, "rolloutLog" | "clock">,
  { writer }: Pick<ChangeAccount, "writer">,
  open: OpenItem,
  context: MfaChangeContext,
): Promise<ChangeSettlement | undefined> {
  if (!(await rolloutLog.reopen(open, leaseMsOf(context, clock.monotonic())))) return undefined;
  // ChangeRecorder wrote them.
  const written = await writer.write(open.record.sent as SetMfaFlagInput, context, false);
  const { attempts, quotaWaitMs } = written;
  return {
    ...("outcome" in written
      ? { status: "applied", ...written.outcome }
      : { status: "unknown", code: "OUTCOME_UNKNOWN", readBack: true }),
    ...{ attempts, quotaWaitMs },
  };
}
