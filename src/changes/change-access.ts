import type { CallerPause, CallerPauses } from "../audit/caller-pauses.ts";
import { type Caller, type CallerIdentity, identityOf, isSamePerson } from "../auth/caller.ts";
import {
  type AccessQuestion,
  type AccessVerdict,
  decideAccess,
  mayUseAccount,
  type Permission,
  type PolicyUser,
  requireUnprotected,
} from "../auth/policy/decide-access.ts";
import type { Policy, Protection, Switch } from "../auth/policy/policy.ts";
import type { PolicyFile } from "../auth/policy/policy-file.ts";
import { type CamClient, describeSubAccounts, WRITABLE_METHODS } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { GatewayIdentity } from "./gateway-identity.ts";
import type { ChangeOrder, MfaChangeContext, MfaChangeRequest } from "./mfa-change.ts";
import { callOptionsOf, type MfaFlagClient } from "./mfa-flag-client.ts";

/** The parts of an account that a change uses. */
export interface ChangeAccount {
  readonly name: string;
  readonly cam: Pick<CamClient, "call">;
  readonly mfaFlags: MfaFlagClient;
  readonly gatewayIdentity: Pick<GatewayIdentity, "has" | "knows">;
}

export interface ChangeAccessDeps {
  /** The policy in force now. Without a policy the scopes alone decide. */
  readonly policy: Pick<PolicyFile, "current" | "sha256"> | undefined;
  readonly accounts: { readonly all: readonly Pick<ChangeAccount, "gatewayIdentity">[] };
  readonly clock: Clock;
}

/** The right to make a change. */
export interface ChangePermission extends Pick<Permission, "approval"> {
  /** The SHA-256 of the policy file that gives it, and the ids of its rules. Undefined without a policy. */
  readonly policy?: { readonly hash: string; readonly rules: readonly string[] } | undefined;
}

type Account = Pick<ChangeAccount, "name" | "cam" | "gatewayIdentity">;

/** Returns the user's name and remark. The first call reads them from CAM, and later calls share that read. */
type ReadProfile = () => Promise<PolicyUser>;

type AskingPerson = Pick<AccessQuestion, "caller" | "atMs">;

/**
 * Decides whether a caller may make a change, by the policy, the protected users and the gateway's own users. Of the
 * scopes it checks only `cam.mfa:override`. Resolvers check the others.
 */
export class ChangeAccess {
  readonly #deps: ChangeAccessDeps;

  constructor(deps: ChangeAccessDeps) {
    this.#deps = deps;
  }

  /**
   * Refuses a change that the policy or the account forbids to the caller. Reads the user's name and remark from CAM
   * only if the policy depends on them, and the owner of the gateway's key only if the key is new.
   *
   * For an approval, the current policy must also allow the change to the requester. Its hours are compared with the
   * time of the request. The requester's scopes are not on record; the gateway checked them at the request. For an item
   * of a rollout, the current policy must allow the change now, to the caller who started the rollout and to the one
   * who approved it. No rollout changes protected users.
   *
   * @throws GatewayError FORBIDDEN, PROTECTED_USER, REASON_REQUIRED
   * @throws CamError if a call to CAM was necessary and failed.
   */
  async authorise(order: ChangeOrder, account: Account): Promise<ChangePermission> {
    const { request, context } = order;
    // Take policy and hash together: the file may be replaced during the call to CAM.
    const { current: policy, sha256: hash = "" } = this.#deps.policy ?? {};
    const permission = policy && (await this.#permit(policy, order, account));
    const overrideCaller = order.kind === "rollout" ? NO_OVERRIDE : context.caller;
    if (policy) requireUnprotected(request.opUin, policy.protectedUsers, overrideCaller, request.reason);
    await this.requireNotGatewayIdentity(request, account, context);
    if (permission === undefined) return { approval: undefined };
    return { approval: permission.approval, policy: { hash, rules: permission.rules } };
  }

  /**
   * Refuses a change of the account itself or of the owner of the gateway's key. The result holds only for a moment,
   * because another user may become the owner.
   *
   * @throws GatewayError PROTECTED_USER
   * @throws CamError if a call to CAM was necessary and failed.
   */
  async requireNotGatewayIdentity(
    { opUin }: MfaChangeRequest,
    { gatewayIdentity }: Pick<ChangeAccount, "gatewayIdentity">,
    context: MfaChangeContext,
  ): Promise<void> {
    // Two configured names may belong to one main account, each with its own key. So this checks the known key owners
    // of all accounts, then waits for this account's own.
    const isKnownIdentity = this.#deps.accounts.all.some((other) => other.gatewayIdentity.knows(opUin));
    if (!isKnownIdentity && !(await gatewayIdentity.has(opUin, context))) return;
    throw gatewayIdentityError(opUin);
  }

  /** Decides by one policy and one read of the user, although both may change during the decision. */
  async #permit(policy: Policy, order: ChangeOrder, account: Account): Promise<Permission> {
    const { request, context } = order;
    let profile: Promise<PolicyUser> | undefined;
    const readProfile = (): Promise<PolicyUser> => {
      profile ??= readUser(request, account, context);
      return profile;
    };
    const person = { caller: context.caller, atMs: this.#deps.clock.now() };
    const verdict = await decide(policy, request, account, person, readProfile);
    if (verdict.effect !== "allow") throw forbidden(request, verdict);
    const other = secondPersonOf(order, person.atMs);
    if (other === undefined) {
      if (order.kind === "rollout") requireNoApproval(request, verdict.permission);
      return verdict.permission;
    }
    if (!mayUseAccount(policy, other.caller, account.name)) {
      const hint = `The ${other.role} may not use the account ${account.name} any more.`;
      throw new GatewayError("FORBIDDEN", { opUin: request.opUin, hint, rule: "accounts" });
    }
    const still = await decide(policy, request, account, other, readProfile);
    if (still.effect === "allow") return verdict.permission;
    throw forbidden(request, still, `The ${other.role} may not make this change any more.`);
  }
}

/** A caller without scopes: a rollout overrides the protection of no user. */
const NO_OVERRIDE: Caller = { subject: "rollout", scopes: new Set() };

/**
 * Returns the second person that the policy must allow the change: the requester in an approval, or the approver of a
 * rollout.
 */
function secondPersonOf(
  order: ChangeOrder,
  nowMs: number,
): (AskingPerson & { readonly role: "requester" | "approver" }) | undefined {
  if (order.kind === "rollout") {
    const { approver } = order.item;
    return approver && { caller: approver, atMs: nowMs, role: "approver" };
  }
  if (order.kind === "request" || order.record.status !== "awaiting_approval") return undefined;
  const { caller, createdAt } = order.record;
  if (isSamePerson(caller, order.context.caller)) return undefined;
  return { caller, atMs: createdAt.getTime(), role: "requester" };
}

/** Refuses an item of a rollout without an approver if the current policy requires an approval. */
function requireNoApproval({ opUin }: MfaChangeRequest, { approval }: Permission): void {
  if (approval === undefined) return;
  const hint = `The rule ${approval.ruleId} asks for an approval, and nobody approved the rollout.`;
  throw new GatewayError("FORBIDDEN", { opUin, hint, rule: `policy ${approval.ruleId}` });
}

async function decide(
  policy: Policy,
  request: MfaChangeRequest,
  account: Account,
  person: AskingPerson,
  readProfile: ReadProfile,
): Promise<AccessVerdict> {
  const switches = requestedSwitches(request);
  const user = { opUin: request.opUin, name: undefined, remark: undefined };
  const question: AccessQuestion = { ...person, account: account.name, user };
  const verdict = decideAccess(policy, switches, question);
  if (verdict.effect !== "read-profile") return verdict;
  return decideAccess(policy, switches, { ...question, user: await readProfile() });
}

async function readUser(
  { opUin }: MfaChangeRequest,
  { cam }: Account,
  context: MfaChangeContext,
): Promise<PolicyUser> {
  const options = { ...callOptionsOf(context), forWrite: true };
  const { output } = await cam.call(describeSubAccounts, { uins: [opUin] }, options);
  const profile = output.find(({ uin }) => uin === opUin);
  // CAM omits an empty remark, which has no tags.
  return {
    opUin,
    name: profile?.name ?? null,
    remark: profile === undefined ? null : (profile.remark ?? ""),
  };
}

/** Returns the refusal of a change of the account itself or of the owner of the gateway's key. */
export function gatewayIdentityError(opUin: Uin): GatewayError {
  const hint = "No caller can change the account itself or the owner of the gateway's key through it.";
  return new GatewayError("PROTECTED_USER", { opUin, hint, rule: "gatewayIdentity" });
}

/** Returns the refusal of a change by the policy. */
export function forbidden(
  { opUin }: MfaChangeRequest,
  { rule, wanted }: Exclude<AccessVerdict, { effect: "allow" }>,
  ...hints: readonly string[]
): GatewayError {
  const decisive = `${rule === undefined ? "No rule allows" : `The rule ${rule.id} refuses`} ${wanted}.`;
  const hint = [...hints, decisive].join(" ");
  return new GatewayError("FORBIDDEN", { opUin, hint, rule: `policy ${rule?.id ?? "(no rule)"}` });
}

/**
 * Returns the switches of a request as the policy names them. With `overwriteOtherMethods` it also names `other.off`
 * for each protection that the request sets.
 */
export function requestedSwitches(request: MfaChangeRequest): readonly Switch[] {
  return (["login", "action"] as const).flatMap((protection) => switchesOn(protection, request));
}

function switchesOn(protection: Protection, request: MfaChangeRequest): Switch[] {
  const switches = WRITABLE_METHODS.flatMap((method): Switch[] => {
    const wanted = request[protection]?.[method];
    return wanted === undefined ? [] : [`${protection}.${method}.${wanted ? "on" : "off"}`];
  });
  if (switches.length > 0 && request.overwriteOtherMethods) switches.push(`${protection}.other.off`);
  return switches;
}

export interface PausedCallersDeps {
  readonly pauses: Pick<CallerPauses, "isPaused" | "list" | "resume">;
  readonly observer?: PausedCallersObserver;
}

export interface PausedCallersObserver {
  onCallerResumed(pause: CallerPause): void;
  /** Called once for each pause, in the replica whose request caused it. */
  onCallerPaused(caller: CallerIdentity, opUin: Uin): void;
}

/**
 * Refuses paused callers before the gateway reads the user to change. The database decides which callers are paused,
 * when it records a change (`refuse`). This class remembers whom it refused, and asks the database about those callers
 * only (`refuseIfKnownPaused`).
 */
export class PausedCallers {
  readonly #deps: PausedCallersDeps;
  readonly #refused = new Set<string>();

  constructor(deps: PausedCallersDeps) {
    this.#deps = deps;
  }

  /** Returns the current pauses, the latest first. */
  list(): Promise<readonly CallerPause[]> {
    return this.#deps.pauses.list();
  }

  /**
   * Ends the pause of a caller. Returns undefined if another operator already ended it.
   * @throws GatewayError FORBIDDEN if the paused callers would resume themselves.
   */
  async resume({ id, subject }: CallerPause, by: CallerIdentity): Promise<CallerPause | undefined> {
    if (isSamePerson({ subject }, by)) {
      const hint = "Paused callers cannot resume themselves.";
      throw new GatewayError("FORBIDDEN", { hint, rule: "resume by another" });
    }
    const resumed = await this.#deps.pauses.resume(id, identityOf(by));
    if (resumed !== undefined) this.#deps.observer?.onCallerResumed(resumed);
    return resumed;
  }

  /**
   * Refuses a caller whom this process refused before, until an operator resumes the caller.
   * @throws GatewayError CALLER_PAUSED
   */
  async refuseIfKnownPaused(caller: CallerIdentity, opUin: Uin): Promise<void> {
    const name = nameOf(caller);
    if (!this.#refused.has(name)) return;
    if (await this.#deps.pauses.isPaused(caller)) {
      throw new GatewayError("CALLER_PAUSED", { opUin, rule: "bulk guard" });
    }
    this.#refused.delete(name);
  }

  /** Refuses a caller by the database's verdict. @throws GatewayError CALLER_PAUSED */
  refuse(caller: Caller, opUin: Uin, verdict: "PAUSED" | "PAUSES"): never {
    this.#refused.add(nameOf(caller));
    if (verdict === "PAUSES") this.#deps.observer?.onCallerPaused(caller, opUin);
    throw new GatewayError("CALLER_PAUSED", { opUin, rule: "bulk guard" });
  }
}

function nameOf({ subject, issuer }: CallerIdentity): string {
  return JSON.stringify([subject, issuer]);
}
