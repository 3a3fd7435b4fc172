import { decideAccess, type Permission } from "../auth/policy/decide-access.ts";
import type { AccessQuestion, PolicyUser } from "../auth/policy/match-rule.ts";
import type { Policy } from "../auth/policy/policy.ts";
import { requireUnprotected } from "../auth/policy/require-unprotected.ts";
import { describeSubAccounts } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { askedSwitches } from "./asked-switches.ts";
import type { ChangeAccount } from "./change-account.ts";
import type { MfaChangeContext, MfaChangeRequest } from "./mfa-change.ts";

export interface ChangeAccessDeps {
  /** The policy in force now; without it the scopes alone decide. */
  readonly policy: { readonly current: Policy } | undefined;
  readonly accounts: { readonly all: readonly Pick<ChangeAccount, "ownUsers">[] };
  readonly clock: Clock;
}

type Account = Pick<ChangeAccount, "name" | "cam" | "ownUsers">;

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
   * @throws GatewayError FORBIDDEN, PROTECTED_USER, REASON_REQUIRED
   * @throws CamError where CAM had to be asked and did not answer.
   */
  async authorise(
    request: MfaChangeRequest,
    account: Account,
    context: MfaChangeContext,
  ): Promise<Permission> {
    const { opUin, reason } = request;
    const policy = this.#deps.policy?.current;
    const permission =
      policy === undefined ? { approval: undefined } : await this.#permit(policy, request, account, context);
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
    { ownUsers }: Pick<ChangeAccount, "ownUsers">,
    context: MfaChangeContext,
  ): Promise<void> {
    // Two names may stand for one account with two keys. Another's key that is not known yet is no reason to wait.
    const isOthers = this.#deps.accounts.all.some((other) => other.ownUsers.knows(opUin));
    if (!isOthers && !(await ownUsers.has(opUin, context))) return;
    const hint = "Nobody changes the account itself or the user of the gateway's own key through it.";
    throw new GatewayError("PROTECTED_USER", { opUin, hint });
  }

  /** By one policy from beginning to end, though another may come into force meanwhile. */
  async #permit(
    policy: Policy,
    request: MfaChangeRequest,
    account: Account,
    context: MfaChangeContext,
  ): Promise<Permission> {
    const { opUin } = request;
    const switches = askedSwitches(request);
    const question: AccessQuestion = {
      caller: context.caller,
      account: account.name,
      user: { opUin, name: undefined, remark: undefined },
      atMs: this.#deps.clock.now(),
    };
    let verdict = decideAccess(policy, switches, question);
    if (verdict.effect === "read-profile") {
      const user = await this.#readUser(request, account, context);
      verdict = decideAccess(policy, switches, { ...question, user });
    }
    if (verdict.effect === "allow") return verdict.permission;
    const { rule, wanted } = verdict;
    const hint = `${rule === undefined ? "No rule allows" : `The rule ${rule.id} refuses`} ${wanted}.`;
    throw new GatewayError("FORBIDDEN", { opUin, hint });
  }

  async #readUser(
    { opUin }: MfaChangeRequest,
    { cam }: Account,
    { caller, requestId, deadlineMs }: MfaChangeContext,
  ): Promise<PolicyUser> {
    const options = { deadlineMs, traceId: requestId, caller: caller.subject };
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
