import type { CallerIdentity } from "../auth/caller.ts";
import { decideAccess, exceptionOf, exceptionsAt, isInAnyRange } from "../auth/policy/decide-access.ts";
import type { Policy, PolicyException, Protection } from "../auth/policy/policy.ts";
import { matchesFlagSets, WRITABLE_METHODS } from "../cam/index.ts";
import { forbidden, gatewayIdentityError, requestedSwitches } from "../changes/change-access.ts";
import type { MfaChangeRequest } from "../changes/mfa-change.ts";
import { composeFlagSets } from "../changes/prepare-change.ts";
import { type CamErrorCode, describeCamError, GatewayError, type Uin } from "../contract/index.ts";
import { availabilityOf } from "../directory/available-methods.ts";
import type { DirectoryUser } from "../directory/directory.ts";
import type { DesiredProtections, PlannedItem, SentFlagSets } from "./rollout.ts";

/** The result of planning for one user. */
interface ItemPlan extends Pick<PlannedItem, "state" | "before" | "sent" | "code" | "why"> {
  /** The time limit of the approval. Undefined if no rule requires one. */
  readonly approvalMinutes?: number | undefined;
}

interface ItemPlannerDeps {
  readonly policy: Policy | undefined;
  readonly caller: CallerIdentity;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** Whether a user is an account itself or the owner of a key of the gateway. */
  readonly isOwn: (opUin: Uin) => boolean;
}

/**
 * Decides in memory what a rollout would do with a user. The steps are those of a change: exceptions, protections
 * already in force, protected users, the policy, the flag sets, and whether the user has the methods.
 */
export class ItemPlanner {
  readonly #deps: ItemPlannerDeps;
  readonly #exceptions: readonly PolicyException[];

  constructor(deps: ItemPlannerDeps) {
    this.#deps = deps;
    this.#exceptions = deps.policy === undefined ? [] : exceptionsAt(deps.policy, deps.atMs);
  }

  /** @param unread The error of the read, if CAM did not return the user's protections. */
  plan(user: DirectoryUser, desired: DesiredProtections, unread?: CamErrorCode): ItemPlan {
    const { opUin, protections } = user;
    const exception = exceptionOf(this.#exceptions, { ...user, name: user.name });
    const before = protections && {
      ...{ login: protections.login, action: protections.action, asOf: protections.asOf.toISOString() },
    };
    if (exception !== undefined) {
      return { state: "excused", before, why: `${exception.reason} (until ${exception.until})` };
    }
    const request = { ...desired, account: user.account, opUin, overwriteOtherMethods: false };
    const sent = before && tryCompose(request, before);
    if (before && sent && !("error" in sent) && matchesFlagSets(before, sent)) {
      return { state: "already_so", before };
    }
    const refusal = this.#refusalOf(user, request);
    if ("error" in refusal) return blocked(refusal.error, before);
    // For a minute after an unknown outcome, a read may be stale.
    if (before === undefined || sent === undefined)
      return { state: "blocked", code: unread ?? "OUTCOME_UNKNOWN" };
    if ("error" in sent) return blocked(sent.error, before);
    const risk = riskOf(user, sent);
    if (risk.state === "blocked") return { before, ...risk };
    return { before, sent, ...risk, approvalMinutes: refusal.approvalMinutes };
  }

  /**
   * Returns the refusal (by the policy, or because the user is protected), or else the time limit of the approval.
   */
  #refusalOf(
    { account, name, remark }: DirectoryUser,
    request: MfaChangeRequest,
  ): { readonly error: GatewayError } | { readonly approvalMinutes: number | undefined } {
    const { policy, caller, atMs, isOwn } = this.#deps;
    const { opUin } = request;
    if (isOwn(opUin)) return { error: gatewayIdentityError(opUin) };
    if (policy === undefined) return { approvalMinutes: undefined };
    if (isInAnyRange(policy.protectedUsers, opUin)) {
      const hint = "No rollout changes a protected user.";
      return { error: new GatewayError("PROTECTED_USER", { opUin, hint }) };
    }
    // For an unknown profile, the policy decides against the caller. CAM omits an empty remark.
    const user = { opUin, name: name ?? null, remark: name === undefined ? null : (remark ?? "") };
    const verdict = decideAccess(policy, requestedSwitches(request), { caller, account, user, atMs });
    if (verdict.effect !== "allow") return { error: forbidden(request, verdict) };
    return { approvalMinutes: verdict.permission.approval?.expiresInMinutes };
  }
}

/** Composes the flag sets as a change does. Returns the refusal as data. */
function tryCompose(
  request: MfaChangeRequest,
  before: NonNullable<ItemPlan["before"]>,
): SentFlagSets | { readonly error: GatewayError } {
  try {
    const { opUin: _, ...sent } = composeFlagSets(request, before);
    return sent;
  } catch (error) {
    if (error instanceof GatewayError) return { error };
    throw error;
  }
}

function blocked({ code, message }: GatewayError, before: ItemPlan["before"]): ItemPlan {
  return { state: "blocked", before, code, why: message };
}

/**
 * Decides whether the user has the methods that the change would switch on. A missing method of operation protection is
 * no lock-out: CAM refuses it, and the user can still sign in.
 */
function riskOf(user: DirectoryUser, sent: SentFlagSets): Pick<ItemPlan, "state" | "code" | "why"> {
  const added = (["login", "action"] as const).flatMap((protection) =>
    WRITABLE_METHODS.filter(
      (method) => sent[protection]?.[method] === true && user.protections?.[protection][method] !== true,
    ).map((method) => ({ protection, method, ...availabilityOf(method, user) })),
  );
  const missing = added.find(({ available }) => available === "NO");
  if (missing?.code !== undefined) {
    return { state: "blocked", code: missing.code, why: describeCamError(missing.code).message };
  }
  const unsure = added.filter(({ available }) => available === "UNKNOWN");
  const risk = unsure.find(({ protection }) => protection === "login") ?? unsure[0];
  if (risk?.code === undefined) return { state: "will_change" };
  const { protection, method, code } = risk;
  const isAtRisk = protection === "login" && user.consoleLogin !== false;
  return { state: isAtRisk ? "at_risk" : "will_change", code, why: unknownMethodText(protection, method) };
}

function unknownMethodText(protection: Protection, method: string): string {
  return `The gateway does not know whether the user has ${method}, which ${protection} protection would need.`;
}
