import { type AccessQuestion, decideAccess, type UserProfile } from "../auth/policy/decide-access.ts";
import type { Policy } from "../auth/policy/policy.ts";
import { requireUnprotected } from "../auth/policy/require-unprotected.ts";
import { type CamClient, describeSubAccounts } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import { askedSwitches } from "./asked-switches.ts";
import type { MfaChangeContext, MfaChangeRequest } from "./mfa-change.ts";
import type { OwnUsers } from "./own-users.ts";

export interface ChangeAccessDeps {
  /** The policy in force now; without it the scopes alone decide. */
  readonly policy: { readonly current: Policy } | undefined;
  readonly ownUsers: Pick<OwnUsers, "has">;
  readonly cam: Pick<CamClient, "call">;
  readonly clock: Clock;
}

/** Whether a caller may make a change, beyond what their scopes say. */
export class ChangeAccess {
  readonly #deps: ChangeAccessDeps;

  constructor(deps: ChangeAccessDeps) {
    this.#deps = deps;
  }

  /**
   * CAM is asked for the user's name and remark only where the policy hangs on them.
   *
   * @throws GatewayError FORBIDDEN, PROTECTED_USER, REASON_REQUIRED
   * @throws CamError where the user had to be read and could not be.
   */
  async authorise(request: MfaChangeRequest, context: MfaChangeContext): Promise<void> {
    const { opUin, reason } = request;
    const policy = this.#deps.policy?.current;
    if (policy !== undefined) await this.#requirePermission(policy, request, context);
    const protectedUsers = policy?.protectedUsers ?? [];
    const isOwn = this.#deps.ownUsers.has(opUin);
    requireUnprotected(opUin, { isOwn, protectedUsers }, context.caller, reason);
  }

  async #requirePermission(
    policy: Policy,
    request: MfaChangeRequest,
    context: MfaChangeContext,
  ): Promise<void> {
    const { opUin } = request;
    const switches = askedSwitches(request);
    const question: AccessQuestion = {
      opUin,
      caller: context.caller,
      profile: undefined,
      atMs: this.#deps.clock.now(),
    };
    let refusal = decideAccess(policy, switches, question);
    if (refusal?.effect === "read-profile") {
      const profile = await this.#readProfile(request, context);
      refusal = decideAccess(policy, switches, { ...question, profile });
    }
    if (refusal === undefined) return;
    const rule = "rule" in refusal ? refusal.rule : undefined;
    const hint = rule === undefined ? "No rule allows it." : `The rule ${rule.id} refuses it.`;
    throw new GatewayError("FORBIDDEN", { opUin, hint });
  }

  async #readProfile(
    { opUin }: MfaChangeRequest,
    { caller, requestId, deadlineMs }: MfaChangeContext,
  ): Promise<UserProfile | null> {
    const options = { deadlineMs, traceId: requestId, caller: caller.subject };
    const { output } = await this.#deps.cam.call(describeSubAccounts, { uins: [opUin] }, options);
    return output.find(({ uin }) => uin === opUin) ?? null;
  }
}
