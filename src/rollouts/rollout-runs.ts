import type { Caller } from "../auth/caller.ts";
import type { Rollout, RolloutLane, RolloutProof } from "./rollout.ts";

/** The caller and the request of an order about a rollout. */
export interface RolloutContext {
  readonly caller: Caller;
  /** The gateway's id of the operation. */
  readonly requestId: string;
}

/**
 * Runs rollouts. The caller of each method may see the rollout and has the scope of the operation. Each order returns the
 * rollout as it is afterwards. A repeated order has no effect.
 */
export interface RolloutRuns {
  /**
   * Starts a plan, or requests the approval that it needs.
   * @param planHash The hash that the caller has read. A plan of another hash does not start.
   * @throws GatewayError PLAN_CHANGED, ROLLOUT_STATUS, USERS_IN_OTHER_ROLLOUT, CALLER_PAUSED, FORBIDDEN
   */
  start(rollout: Rollout, planHash: string, context: RolloutContext): Promise<Rollout>;

  /**
   * Approves a plan that awaits approval, and starts it.
   * @throws GatewayError as `start`, and FORBIDDEN for the person who planned it.
   */
  approve(
    rollout: Rollout,
    planHash: string,
    reason: string | undefined,
    context: RolloutContext,
  ): Promise<Rollout>;

  /** Rejects a plan that awaits approval, or withdraws the caller's own. @throws GatewayError ROLLOUT_STATUS */
  reject(rollout: Rollout, reason: string | undefined, context: RolloutContext): Promise<Rollout>;

  /** Pauses: begins no more items before `resume`. @throws GatewayError ROLLOUT_STATUS */
  pause(rollout: Rollout, reason: string | undefined, context: RolloutContext): Promise<Rollout>;

  /** @throws GatewayError ROLLOUT_STATUS, CALLER_PAUSED */
  resume(rollout: Rollout, context: RolloutContext): Promise<Rollout>;

  /** Cancels the plan or the run. Items in progress are still settled. @throws GatewayError ROLLOUT_STATUS */
  cancel(rollout: Rollout, reason: string | undefined, context: RolloutContext): Promise<Rollout>;

  /** Begins a wave that waits for a person. @throws GatewayError ROLLOUT_STATUS */
  releaseWave(rollout: Rollout, wave: number, context: RolloutContext): Promise<Rollout>;

  /** Returns the accounts with items that are to be changed, in the order of the names. */
  lanes(rollout: Rollout): Promise<readonly RolloutLane[]>;

  /** Returns what the reads after the run showed. Undefined before they are done. */
  proof(rollout: Rollout): Promise<RolloutProof | undefined>;
}
