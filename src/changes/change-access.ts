import type { AccessQuestion, PolicyUser } from "../auth/policy/decide-access.ts";
import {
  type AccessVerdict,
  decideAccess,
  mayUseAccount,
  type Permission,
  requireUnprotected,
} from "../auth/policy/decide-access.ts";
import type { Policy } from "../auth/policy/policy.ts";
import { describeSubAccounts } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { ChangeAccount } from "./change-account.ts";
import type { MfaChangeContext, MfaChangeRequest } from "./mfa-change.ts";
import { requestedOperations } from "./requested-operations.ts";

export interface ChangeAccessDeps {
  /** The policy in force now; without it the scopes alone decide. */
  readonly policy: { readonly current: Policy } | undefined;
  readonly accounts: { readonly all: readonly Pick<ChangeAccount, "gatewayIdentity">[] };
  readonly clock: Clock;
}

type Account = Pick<ChangeAccount, "name" | "cam" | "gatewayIdentity">;

/** Reads the name and remark of a user when the policy turns on them, once however many decisions need them. */
type ReadProfile = () => Promise<PolicyUser>;

/** Who asked for a change that another caller approves, and when: milliseconds since the Unix epoch. */
export type Requester = Pick<AccessQuestion, "caller" | "atMs">;

/** Whether a caller may make a change, beyond what their scopes say. */
export class ChangeAccess {
  readonly #deps: ChangeAccessDeps;

  constructor(deps: ChangeAccessDeps) {
    this.#deps = deps;
  }

  /**
   * CAM is asked for the user's name and remark only where the policy turns on them, and for the gateway's own user
   * only where its key is new.
   *
   * @param requester Where the caller approves what another has asked for. The policy as it is now has to let them ask for it
   *   when they did. Their scopes are not on record, and were looked at then.
   * @throws GatewayError FORBIDDEN, PROTECTED_USER, REASON_REQUIRED
   * @throws CamError where CAM had to be asked and did not answer.
   */
  async authorise(
    request: MfaChangeRequest,
    account: Account,
    context: MfaChangeContext,
    requester?: Requester,
  ): Promise<Permission> {
    const { opUin, reason } = request;
    const policy = this.#deps.policy?.current;
    const permission =
      policy === undefined
        ? { approval: undefined }
        : await this.#permit(policy, request, account, context, requester);
    requireUnprotected(opUin, policy?.protectedUsers ?? [], context.caller, reason);
    await this.requireNotOwn(request, account, context);
    return permission;
  }

  /**
   * Holds for a moment alone, since the key may become another user's.
   *
   * @throws GatewayError PROTECTED_USER
   * @throws CamError where CAM had to be asked and did not answer.
   */
  async requireNotOwn(
    { opUin }: MfaChangeRequest,
    { gatewayIdentity }: Pick<ChangeAccount, "gatewayIdentity">,
    context: MfaChangeContext,
  ): Promise<void> {
    // Two names may stand for one account with two keys. Another's key that is not known yet is no reason to wait.
    const isOthers = this.#deps.accounts.all.some((other) => other.gatewayIdentity.knows(opUin));
    if (!isOthers && !(await gatewayIdentity.has(opUin, context))) return;
    const hint = "Nobody changes the account itself or the user of the gateway's own key through it.";
    throw new GatewayError("PROTECTED_USER", { opUin, hint });
  }

  /** Decides by one policy and one reading of the user, though both may change meanwhile. */
  async #permit(
    policy: Policy,
    request: MfaChangeRequest,
    account: Account,
    context: MfaChangeContext,
    requester: Requester | undefined,
  ): Promise<Permission> {
    let profile: Promise<PolicyUser> | undefined;
    const readProfile = (): Promise<PolicyUser> => {
      profile ??= this.#readUser(request, account, context);
      return profile;
    };
    const asked = { caller: context.caller, atMs: this.#deps.clock.now() };
    const verdict = await this.#decide(policy, request, account, asked, readProfile);
    if (verdict.effect !== "allow") throw forbidden(request, verdict);
    if (requester === undefined) return verdict.permission;
    if (!mayUseAccount(policy, requester.caller, account.name)) {
      const hint = `Who asked for it may not use the account ${account.name} any more.`;
      throw new GatewayError("FORBIDDEN", { opUin: request.opUin, hint });
    }
    const still = await this.#decide(policy, request, account, requester, readProfile);
    if (still.effect === "allow") return verdict.permission;
    throw forbidden(request, still, "Who asked for it may not ask for it any more.");
  }

  async #decide(
    policy: Policy,
    request: MfaChangeRequest,
    account: Account,
    asked: Requester,
    readProfile: ReadProfile,
  ): Promise<AccessVerdict> {
    const switches = requestedOperations(request);
    const user = { opUin: request.opUin, name: undefined, remark: undefined };
    const question: AccessQuestion = { ...asked, account: account.name, user };
    const verdict = decideAccess(policy, switches, question);
    if (verdict.effect !== "read-profile") return verdict;
    return decideAccess(policy, switches, { ...question, user: await readProfile() });
  }

  async #readUser(
    { opUin }: MfaChangeRequest,
    { cam }: Pick<Account, "cam">,
    { caller, requestId, deadlineMs }: MfaChangeContext,
  ): Promise<PolicyUser> {
    const options = { deadlineMs, traceId: requestId, caller: caller.subject, forWrite: true };
    const { output } = await cam.call(describeSubAccounts, { uins: [opUin] }, options);
    const profile = output.find(({ uin }) => uin === opUin);
    // An empty remark reads as none, and has no tags.
    return {
      opUin,
      name: profile?.name ?? null,
      remark: profile === undefined ? null : (profile.remark ?? ""),
    };
  }
}

function forbidden(
  { opUin }: MfaChangeRequest,
  { rule, wanted }: Exclude<AccessVerdict, { effect: "allow" }>,
  ...hints: readonly string[]
): GatewayError {
  const decisive = `${rule === undefined ? "No rule allows" : `The rule ${rule.id} refuses`} ${wanted}.`;
  return new GatewayError("FORBIDDEN", { opUin, hint: [...hints, decisive].join(" ") });
}
