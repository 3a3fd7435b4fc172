import type { ChangeSettlement } from "../audit/change-record.ts";
import type { OpenItem } from "../audit/rollout-change-store.ts";
import type { Protection } from "../auth/policy/policy.ts";
import {
  agreeOnKnownMethods,
  type MfaFlagSet,
  type MfaFlagState,
  matchesFlagSets,
  READ_ONLY_METHODS,
  type SafeAuthFlags,
  type SetMfaFlagInput,
  WRITABLE_METHODS,
} from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { ChangeAccess, ChangeAccount } from "./change-access.ts";
import {
  isAmbiguous,
  type RecentWrites,
  stateAfter,
  unresolvedWrites,
  withRecentWrites,
} from "./changes-of-user.ts";
import type { ChangeOrder, MfaChangeContext, MfaChangeRequest, MfaMethods } from "./mfa-change.ts";
import type { ChangeRecorderDeps, PreparedChange } from "./record-change.ts";

interface PrepareDeps {
  readonly access: Pick<ChangeAccess, "authorise" | "requireNotGatewayIdentity">;
  readonly recentWrites: RecentWrites;
  readonly clock: Clock;
}

/** How long the lease of a change lasts beyond its deadline. Until it ends, no other replica takes the change over. */
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
  const { lastSettleOrder, writes } = recentWrites.of({ account: account.name, opUin });
  const asOf = new Date(clock.now()).toISOString();
  const reading = account.mfaFlags.read(opUin, context, { forWrite: true });
  // A refusal takes precedence over a failed read, and does not wait for the read.
  reading.catch(() => undefined);
  const permission = await access.authorise(order, account);
  const { output } = await reading;
  // If CAM refused the key of the read, the gateway uses another key now, whose owner it must protect too.
  await access.requireNotGatewayIdentity(request, account, context);

  const before = withRecentWrites({ ...output, asOf }, writes);
  const unknown = unresolvedWrites(writes);
  const possibleWrites = unknown.map(({ sent }) => sent);
  const flagSets =
    order.kind === "rollout"
      ? flagSetsOfPlan(order, before, possibleWrites)
      : composeFlagSets(request, before, possibleWrites);
  const images = [output, before, ...unknown.map((write) => stateAfter(before, write))];
  if (request.reason === undefined && images.some((image) => removesLastMethod(image, flagSets))) {
    const hint = "It switches off the last method of this user.";
    throw new GatewayError("REASON_REQUIRED", { opUin, hint });
  }
  const settled = writes.slice(0, writes.length - unknown.length).map(({ sent }) => sent);
  const shownBefore = [output, ...settled, ...writes.map((write) => write.before)];
  const nowMs = clock.monotonic();
  return {
    ...{ before, flagSets, permission },
    canConfirmByRead: matchesFlagSets(before, flagSets) || !isAmbiguous(flagSets, shownBefore),
    leaseMs: leaseMsOf(context, nowMs),
    basis: { lastSettleOrder, ageMs: nowMs - readAtMs },
  };
}

/**
 * Returns the flag sets of an item, as they were planned and approved.
 * @throws GatewayError PLAN_CHANGED if the user, or what the gateway would compose now, differs from the plan.
 */
function flagSetsOfPlan(
  { request, item }: Extract<ChangeOrder, { kind: "rollout" }>,
  before: SafeAuthFlags,
  possibleWrites: readonly Partial<SetMfaFlagInput>[],
): SetMfaFlagInput {
  const { opUin } = request;
  const isAsPlanned =
    agreeOnKnownMethods(item.before, before) &&
    matchesFlagSets({ ...before, ...composeFlagSets(request, before, possibleWrites) }, item.sent);
  if (isAsPlanned) return { opUin, ...item.sent };
  throw new GatewayError("PLAN_CHANGED", {
    opUin,
    hint: "The protections of this user differ from the plan.",
  });
}

/** Returns the length of the lease of a change. */
export function leaseMsOf({ deadlineMs }: Pick<MfaChangeContext, "deadlineMs">, nowMs: number): number {
  return Math.max(0, deadlineMs - nowMs) + LEASE_GRACE_MS;
}

/**
 * Sends the flag sets of an open change again. Both requests carry the same full flag sets, so the result is the same
 * whichever CAM applies last. A refusal of the repetition proves nothing about the earlier request, so the outcome then
 * stays unknown. Returns undefined if the record does not allow it.
 */
export async function repeatChange(
  { rolloutChangeStore, clock }: Pick<ChangeRecorderDeps, "rolloutChangeStore" | "clock">,
  { mfaFlags }: Pick<ChangeAccount, "mfaFlags">,
  open: OpenItem,
  context: MfaChangeContext,
): Promise<ChangeSettlement | undefined> {
  if (!(await rolloutChangeStore.reopen(open, leaseMsOf(context, clock.monotonic())))) return undefined;
  // ChangeRecorder wrote them.
  const written = await mfaFlags.write(open.record.sent as SetMfaFlagInput, context, false);
  const { attempts, quotaWaitMs } = written;
  return {
    ...("outcome" in written
      ? { status: "applied", ...written.outcome }
      : { status: "unknown", code: "OUTCOME_UNKNOWN", readBack: true }),
    ...{ attempts, quotaWaitMs },
  };
}

/** Whether a request names any method at all. */
export function requestsAnyMethod(request: Pick<MfaChangeRequest, "login" | "action">): boolean {
  return hasAnyMethod(request.login) || hasAnyMethod(request.action);
}

/**
 * Returns the full flag sets to send: the caller's values, and the known state of all other methods. Omits a protection
 * that the caller did not name.
 *
 * @param possibleWrites Flag sets of earlier writes that may also be in force. A method that the caller did not name
 *   stays on if one of these writes switches it on.
 * @throws GatewayError MFA_METHOD_NOT_WRITABLE if the write would affect a method that it cannot express.
 * @throws GatewayError CAM_BAD_RESPONSE if CAM did not report a method to keep. A guess could switch it off.
 */
export function composeFlagSets(
  request: MfaChangeRequest,
  before: SafeAuthFlags,
  possibleWrites: readonly Partial<SetMfaFlagInput>[] = [],
): SetMfaFlagInput {
  const login = composeFlagSet("login", request, before, possibleWrites);
  const action = composeFlagSet("action", request, before, possibleWrites);
  return { opUin: request.opUin, ...(login && { login }), ...(action && { action }) };
}

function composeFlagSet(
  protection: Protection,
  request: MfaChangeRequest,
  before: SafeAuthFlags,
  possibleWrites: readonly Partial<SetMfaFlagInput>[],
): MfaFlagSet | undefined {
  const wanted = request[protection];
  if (!hasAnyMethod(wanted)) return undefined;
  const { opUin } = request;
  const current = before[protection];
  const inTheWay = READ_ONLY_METHODS.filter((method) => current[method] === true);
  if (inTheWay.length > 0 && !request.overwriteOtherMethods) {
    throw new GatewayError("MFA_METHOD_NOT_WRITABLE", {
      opUin,
      hint: `The ${protection} protection of this user uses ${inTheWay.join(" and ")}.`,
    });
  }
  const keep = (method: (typeof WRITABLE_METHODS)[number]): boolean =>
    possibleWrites.some((flagSets) => flagSets[protection]?.[method]) ||
    (current[method] ?? failUnreported(protection, method, opUin));
  const keepOrSet = (method: (typeof WRITABLE_METHODS)[number]): boolean => wanted[method] ?? keep(method);
  return { phone: keepOrSet("phone"), stoken: keepOrSet("stoken"), wechat: keepOrSet("wechat") };
}

function failUnreported(protection: Protection, method: string, opUin: Uin): never {
  throw new GatewayError("CAM_BAD_RESPONSE", {
    opUin,
    hint: `CAM did not say whether ${method} is on for ${protection}; give all three methods to set them regardless.`,
  });
}

function hasAnyMethod(methods: MfaMethods | undefined): methods is MfaMethods {
  return methods !== undefined && WRITABLE_METHODS.some((method) => methods[method] !== undefined);
}

/**
 * Whether the flag sets remove the last method of a user over both protections. Phone, stoken and wechat count as
 * present before the write if CAM did not report them. The methods that a flag set cannot express count as removed from
 * a protection that is written, because the write may remove them.
 */
export function removesLastMethod(before: SafeAuthFlags, flagSets: SetMfaFlagInput): boolean {
  const mayHaveOne = mayBeOn(before.login) || mayBeOn(before.action);
  return mayHaveOne && !isOn(flagSets.login ?? before.login) && !isOn(flagSets.action ?? before.action);
}

/** Whether the flag sets leave a protection without any method that had one before. */
export function removesProtection(before: SafeAuthFlags, flagSets: Omit<SetMfaFlagInput, "opUin">): boolean {
  return (["login", "action"] as const).some(
    (protection) => isOn(before[protection]) && !isOn(flagSets[protection] ?? before[protection]),
  );
}

function isOn(flags: MfaFlagSet | MfaFlagState): boolean {
  return Object.values(flags).includes(true);
}

/**
 * Whether some method of a protection may be on. Phone, stoken and wechat may be on if CAM does not report them. Any
 * other unreported method counts as off, because the account does not offer it.
 */
function mayBeOn(flags: MfaFlagState): boolean {
  return isOn(flags) || [flags.phone, flags.stoken, flags.wechat].includes(undefined);
}
