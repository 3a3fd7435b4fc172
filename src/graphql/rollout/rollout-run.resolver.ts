import { Arg, Args, ArgsType, Ctx, Field, ID, Int, Mutation, Resolver } from "type-graphql";
import type { Rollout } from "../../rollouts/rollout.ts";
import type { RolloutOrders } from "../../rollouts/rollout-orders.ts";
import type { RolloutService } from "../../rollouts/rollout-service.ts";
import { LONGEST_REASON, toReason } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { MfaRollout, toMfaRollout } from "./rollout.type.ts";

const idOptions = { description: "The id of the rollout." } as const;
const hashOptions = { description: "The hash of the plan that the caller has read." } as const;

@ArgsType()
class RolloutReasonArgs {
  @Field(() => ID, idOptions)
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: `The reason for the record, at most ${LONGEST_REASON} characters.`,
  })
  reason?: string | null;
}

interface RolloutRunDeps {
  readonly rolloutService: Pick<RolloutService, "require">;
  readonly rolloutOrders: Pick<RolloutOrders, keyof RolloutOrders>;
}

/** Starts, approves and controls rollouts. Each order may be repeated: the second one has no effect. */
@Resolver()
export class RolloutRunResolver {
  readonly #deps: RolloutRunDeps;

  constructor(deps: RolloutRunDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.mfa:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, {
    nullable: true,
    description:
      "Starts a plan, or asks for the approval that it needs. Only the caller who planned it starts it. A plan of " +
      "another hash does not start. A business error is thrown.",
  })
  startMfaRollout(
    @Arg("id", () => ID, idOptions) id: string,
    @Arg("planHash", () => String, hashOptions) planHash: string,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    return this.#order(id, context, (rollout) => this.#deps.rolloutOrders.start(rollout, planHash, context));
  }

  @RequiresScope("cam.mfa:approve")
  @CamCalls(0)
  @Mutation(() => MfaRollout, {
    nullable: true,
    description:
      "Approves a plan of another person, and starts it. The approver must be allowed to make each of its changes.",
  })
  approveMfaRollout(
    @Args(() => RolloutReasonArgs) { id, reason }: RolloutReasonArgs,
    @Arg("planHash", () => String, hashOptions) planHash: string,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    const why = toReason(reason);
    return this.#order(id, context, (rollout) =>
      this.#deps.rolloutOrders.approve(rollout, planHash, why, context),
    );
  }

  @RequiresScope("cam.mfa:approve", "cam.rollout:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, {
    nullable: true,
    description:
      "Rejects a plan that awaits approval, or withdraws the caller's own. Rejecting the plan of another person requires " +
      "the scope cam.mfa:approve.",
  })
  rejectMfaRollout(
    @Args(() => RolloutReasonArgs) { id, reason }: RolloutReasonArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    const why = toReason(reason);
    return this.#order(id, context, (rollout) => this.#deps.rolloutOrders.reject(rollout, why, context));
  }

  @RequiresScope("cam.rollout:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, {
    nullable: true,
    description:
      "Pauses a rollout: within a second no item begins any more, until `resumeMfaRollout`. Items in " +
      "progress end.",
  })
  pauseMfaRollout(
    @Args(() => RolloutReasonArgs) { id, reason }: RolloutReasonArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    const why = toReason(reason);
    return this.#order(id, context, (rollout) => this.#deps.rolloutOrders.pause(rollout, why, context));
  }

  @RequiresScope("cam.rollout:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, { nullable: true, description: "Continues a paused rollout." })
  resumeMfaRollout(
    @Arg("id", () => ID, idOptions) id: string,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    return this.#order(id, context, (rollout) => this.#deps.rolloutOrders.resume(rollout, context));
  }

  @RequiresScope("cam.rollout:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, {
    nullable: true,
    description:
      "Cancels a plan or a run. Items in progress end. Changes that are in force stay; `planMfaRolloutUndo` " +
      "reverses them.",
  })
  cancelMfaRollout(
    @Args(() => RolloutReasonArgs) { id, reason }: RolloutReasonArgs,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    const why = toReason(reason);
    return this.#order(id, context, (rollout) => this.#deps.rolloutOrders.cancel(rollout, why, context));
  }

  @RequiresScope("cam.rollout:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, { nullable: true, description: "Begins a wave that waits for a person." })
  releaseMfaRolloutWave(
    @Arg("id", () => ID, idOptions) id: string,
    @Arg("wave", () => Int, { description: "The number of the wave that waits, from 2." }) wave: number,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    return this.#order(id, context, (rollout) =>
      this.#deps.rolloutOrders.releaseWave(rollout, wave, context),
    );
  }

  async #order(
    id: string,
    { caller }: GraphQLContext,
    carryOut: (rollout: Rollout) => Promise<Rollout>,
  ): Promise<MfaRollout> {
    return toMfaRollout(await carryOut(await this.#deps.rolloutService.require(id, caller)));
  }
}
