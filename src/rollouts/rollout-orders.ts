import type { CallerPauses } from "../audit/caller-pauses.ts";
import { type CallerIdentity, isSamePerson } from "../auth/caller.ts";
import type { PolicyFile } from "../auth/policy/policy-file.ts";
import { GatewayError } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import type { OrderStore, OrderVerdict } from "./order-store.ts";
import { requireMayApprove } from "./require-may-approve.ts";
import type { Rollout, RolloutContext, RolloutStatus } from "./rollout.ts";
import type { RolloutRunner } from "./rollout-runner.ts";
import type { RolloutStore } from "./rollout-store.ts";
import type { RunStore } from "./run-store.ts";

export interface RolloutOrdersDeps {
  readonly database: Database;
  readonly rolloutStore: Pick<RolloutStore, "find">;
  readonly orderStore: OrderStore;
  readonly runStore: Pick<RunStore, "pause">;
  readonly runner: Pick<RolloutRunner, "advance">;
  readonly pauses: Pick<CallerPauses, "isPaused">;
  readonly policy: Pick<PolicyFile, "current" | "sha256"> | undefined;
  /** BULK_GUARD_USERS. A plan with more users needs an approval. 0: no number of users does. */
  readonly guardUsers: number;
  readonly observer: OrderObserver;
}

/** An order of a person about a rollout. */
export type OrderKind =
  | "approval_requested"
  | "started"
  | "rejected"
  | "paused"
  | "resumed"
  | "cancelled"
  | "wave_released";

export interface OrderObserver {
  /** The rows of a plan were altered in the database, so it was not started. */
  onPlanAltered(rolloutId: string): void;
  onOrder(kind: OrderKind, rollout: Rollout, by: CallerIdentity, requestId: string): void;
}

/** The time limit of an approval if no rule sets one: a day. */
const APPROVAL_MINUTES = 1_440;
/** The statuses in which a repeated `start` has no effect. */
const START_DONE: ReadonlySet<RolloutStatus> = new Set([
  "awaiting_approval",
  "running",
  "paused",
  "stopped",
  "done",
]);

/**
 * Carries out people's orders about rollouts. The lanes at work follow within a second, and a lane that has waited for
 * 15 minutes within seven seconds. The caller of each method may see the rollout and has the scope of the operation.
 * Each order returns the rollout as it is afterwards. A repeated order has no effect.
 */
export class RolloutOrders {
  readonly #deps: RolloutOrdersDeps;

  constructor(deps: RolloutOrdersDeps) {
    this.#deps = deps;
  }

  /**
   * Starts a plan, or requests the approval that it needs.
   * @param planHash The hash that the caller has read. A plan of another hash does not start.
   * @throws GatewayError PLAN_CHANGED, ROLLOUT_STATUS, USERS_IN_OTHER_ROLLOUT, CALLER_PAUSED, FORBIDDEN
   */
  async start(rollout: Rollout, planHash: string, context: RolloutContext): Promise<Rollout> {
    const { orderStore, guardUsers } = this.#deps;
    const { id, requestedBy, approvalMinutes } = rollout;
    const { caller } = context;
    if (requestedBy.subject !== caller.subject || requestedBy.issuer !== caller.issuer) {
      const hint = "Only the caller who planned a rollout starts it. Plan one of your own.";
      throw new GatewayError("FORBIDDEN", { hint, rule: "start by who planned" });
    }
    this.#requirePlan(rollout, planHash);
    if (START_DONE.has(rollout.status)) return rollout;
    if (rollout.status === "planned") this.#requirePolicy(rollout);
    await requireNotPaused(this.#deps.pauses, caller);
    const users = await orderStore.countItems(id);
    if (users === 0) throw new GatewayError("ROLLOUT_SELECTION", { hint: "The plan changes no user." });
    const isMany = guardUsers > 0 && users > guardUsers;
    const minutes = approvalMinutes ?? (isMany ? APPROVAL_MINUTES : undefined);
    const verdict = await orderStore
      .start(id, context, minutes)
      .catch((error: unknown) => this.#explainConflict(id, error));
    if (verdict !== "DONE") {
      // Another request may have started it meanwhile.
      const now = await this.#find(id);
      if (START_DONE.has(now.status)) return now;
      throw await this.#refusal(id, verdict, "A plan starts once, and within a day.");
    }
    return this.#afterOrder(minutes === undefined ? "started" : "approval_requested", id, context);
  }

  /**
   * Approves a plan that awaits approval, and starts it.
   * @throws GatewayError as `start`, and FORBIDDEN for the person who planned it.
   */
  async approve(
    rollout: Rollout,
    planHash: string,
    reason: string | undefined,
    context: RolloutContext,
  ): Promise<Rollout> {
    const { database, orderStore, policy } = this.#deps;
    const { caller } = context;
    const { id, approval } = rollout;
    this.#requirePlan(rollout, planHash);
    if (isSamePerson(rollout.requestedBy, caller)) {
      const hint = "The caller who planned a rollout cannot approve it.";
      throw new GatewayError("FORBIDDEN", { hint, rule: "approval by another" });
    }
    if (approval?.decision?.kind === "approved" && isSamePerson(approval.decision.by, caller)) return rollout;
    if (rollout.status === "awaiting_approval") this.#requirePolicy(rollout);
    await requireNotPaused(this.#deps.pauses, caller);
    if (await orderStore.isCallerPaused(id)) throw pausedCaller();
    if (policy !== undefined) await requireMayApprove(database, policy.current, rollout, caller);
    const verdict = await orderStore.approve(id, context, reason);
    if (verdict !== "DONE") throw await this.#refusal(id, verdict, "It does not wait for an approval.");
    return this.#afterOrder("started", id, context);
  }

  /** Rejects a plan that awaits approval, or withdraws the caller's own. @throws GatewayError ROLLOUT_STATUS */
  async reject(rollout: Rollout, reason: string | undefined, context: RolloutContext): Promise<Rollout> {
    const { id, approval, requestedBy } = rollout;
    const kind = isSamePerson(requestedBy, context.caller) ? "withdrawn" : "rejected";
    if (approval?.decision?.kind === kind) return rollout;
    if (!(await this.#deps.orderStore.reject(id, kind, context, reason))) {
      throw await this.#statusError(id, "It does not wait for an approval.");
    }
    return this.#afterOrder("rejected", id, context);
  }

  /** Pauses: begins no more items before `resume`. @throws GatewayError ROLLOUT_STATUS */
  async pause(rollout: Rollout, reason: string | undefined, context: RolloutContext): Promise<Rollout> {
    const { id, status } = rollout;
    if (status === "paused") return rollout;
    if (!(await this.#deps.runStore.pause(id, undefined, reason)))
      throw await this.#statusError(id, "It does not run.");
    return this.#afterOrder("paused", id, context);
  }

  /** @throws GatewayError ROLLOUT_STATUS, CALLER_PAUSED */
  async resume(rollout: Rollout, context: RolloutContext): Promise<Rollout> {
    const { orderStore } = this.#deps;
    const { id, status } = rollout;
    if (status === "running") return rollout;
    await requireNotPaused(this.#deps.pauses, context.caller);
    if (await orderStore.isCallerPaused(id)) throw pausedCaller();
    if (!(await orderStore.resume(id))) throw await this.#statusError(id, "It is not paused.");
    return this.#afterOrder("resumed", id, context);
  }

  /** Cancels the plan or the run. Items in progress are still settled. @throws GatewayError ROLLOUT_STATUS */
  async cancel(rollout: Rollout, reason: string | undefined, context: RolloutContext): Promise<Rollout> {
    const { id, status } = rollout;
    if (status === "cancelled") return rollout;
    if (!(await this.#deps.orderStore.cancel(id, reason))) throw await this.#statusError(id, "It is over.");
    return this.#afterOrder("cancelled", id, context);
  }

  /** Begins a wave that waits for a person. @throws GatewayError ROLLOUT_STATUS */
  async releaseWave(rollout: Rollout, wave: number, context: RolloutContext): Promise<Rollout> {
    const { id } = rollout;
    if (rollout.wave === wave && !rollout.waveAwaitsRelease && rollout.waveHeldUntil === undefined)
      return rollout;
    if (!(await this.#deps.orderStore.releaseWave(id, wave))) {
      throw await this.#statusError(id, `Wave ${wave} does not wait.`);
    }
    return this.#afterOrder("wave_released", id, context);
  }

  #requirePlan({ planHash: current }: Rollout, planHash: string): void {
    if (current === planHash) return;
    throw new GatewayError("PLAN_CHANGED", { hint: "The plan has another hash. Read it again." });
  }

  /** Requires that the policy has not changed since the plan. The policy decides again when each item runs. */
  #requirePolicy({ policyHash }: Rollout): void {
    if (this.#deps.policy?.sha256 === policyHash) return;
    throw new GatewayError("PLAN_CHANGED", { hint: "The policy has changed since. Make a new plan." });
  }

  async #afterOrder(kind: OrderKind, id: string, { caller, requestId }: RolloutContext): Promise<Rollout> {
    const { runner, observer } = this.#deps;
    const rollout = await this.#find(id);
    observer.onOrder(kind, rollout, caller, requestId);
    await runner.advance();
    return rollout;
  }

  async #find(id: string): Promise<Rollout> {
    const rollout = await this.#deps.rolloutStore.find(id);
    if (rollout === undefined) throw new Error(`The rollout ${id} is gone.`);
    return rollout;
  }

  async #refusal(id: string, verdict: OrderVerdict, why: string): Promise<GatewayError> {
    if (verdict !== "ALTERED") return this.#statusError(id, why);
    this.#deps.observer.onPlanAltered(id);
    const hint = "Its rows in the database are not those that were planned. Make a new plan.";
    return new GatewayError("PLAN_CHANGED", { hint });
  }

  async #statusError(id: string, why: string): Promise<GatewayError> {
    const { status } = await this.#find(id);
    return new GatewayError("ROLLOUT_STATUS", { hint: `It is ${status.replace("_", " ")}. ${why}` });
  }

  /**
   * @throws GatewayError USERS_IN_OTHER_ROLLOUT with the other rollouts, if the error is a unique violation (23505).
   *   Otherwise the error itself.
   */
  async #explainConflict(id: string, error: unknown): Promise<never> {
    if ((error as { readonly code?: unknown }).code !== "23505") throw error;
    const { users, rolloutIds } = await this.#deps.orderStore.usersInOtherRollouts(id);
    const hint = `${users} of its users are in the open rollouts ${rolloutIds.slice(0, 3).join(", ")}.`;
    throw new GatewayError("USERS_IN_OTHER_ROLLOUT", { hint, cause: error });
  }
}

/** @throws GatewayError CALLER_PAUSED if the bulk guard has paused the caller. */
export async function requireNotPaused(
  pauses: RolloutOrdersDeps["pauses"],
  caller: CallerIdentity,
): Promise<void> {
  if (await pauses.isPaused(caller)) throw pausedCaller();
}

function pausedCaller(): GatewayError {
  return new GatewayError("CALLER_PAUSED", { rule: "bulk guard" });
}
