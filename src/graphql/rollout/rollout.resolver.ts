import {
  Arg,
  Args,
  ArgsType,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from "type-graphql";
import { isCamErrorCode } from "../../contract/index.ts";
import type { Rollout } from "../../rollouts/rollout.ts";
import type { RolloutService } from "../../rollouts/rollout-service.ts";
import { LONGEST_REASON } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import {
  afterOptions,
  cursorOf,
  firstOptions,
  PageInfo,
  PageSize,
  pageSize,
  toPage,
  UUID,
} from "../paging.ts";
import { PlanMfaRolloutInput, toPlanRequest, toText } from "./plan-rollout.args.ts";
import { MfaRollout, toMfaRollout } from "./rollout.type.ts";
import { enumOf, MfaRolloutStatus, nameOf } from "./rollout-enums.ts";
import {
  MfaRolloutCounts,
  MfaRolloutLane,
  MfaRolloutProgress,
  MfaRolloutProof,
  MfaRolloutReason,
} from "./rollout-figures.type.ts";
import {
  MfaRolloutItemConnection,
  MfaRolloutItemsArgs,
  toItemFilter,
  toMfaRolloutItem,
} from "./rollout-item.type.ts";

@CamCalls(0)
@ObjectType({ description: "A rollout with its cursor." })
class MfaRolloutEdge {
  @Field(() => MfaRollout, { description: "The rollout." })
  node!: MfaRollout;

  @Field(() => String, { description: "The position. Pass it as `after` to get older rollouts." })
  cursor!: string;
}

@CamCalls(0)
@ObjectType({ description: "A page of rollouts, the latest first." })
class MfaRolloutConnection {
  @Field(() => [MfaRolloutEdge], { description: "The rollouts with their cursors." })
  edges!: readonly MfaRolloutEdge[];

  @Field(() => [MfaRollout], { description: "The rollouts without cursors." })
  nodes!: readonly MfaRollout[];

  @Field(() => PageInfo, { description: "The position of the page." })
  pageInfo!: PageInfo;
}

@ArgsType()
class MfaRolloutsArgs {
  @Field(() => MfaRolloutStatus, { nullable: true, description: "Filters by status." })
  status?: keyof typeof MfaRolloutStatus | null;

  @Field(() => Int, firstOptions("rollouts"))
  first?: number | null;

  @Field(() => String, afterOptions("rollouts"))
  after?: string | null;
}

/** The form of an item's cursor: its place in the plan. */
const ITEM_CURSOR = /^[1-9]\d{0,8}$/;

export interface RolloutDeps {
  readonly rolloutService: Pick<RolloutService, keyof RolloutService>;
}

/** Plans rollouts and shows them. */
@Resolver(() => MfaRollout)
export class RolloutResolver {
  readonly #deps: RolloutDeps;

  constructor(deps: RolloutDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.rollout:read")
  @Query(() => MfaRollout, {
    nullable: true,
    description:
      "A rollout by its id. Null if there is none, or if the caller may not use all of its accounts.",
  })
  async mfaRollout(
    @Arg("id", () => ID, { description: "The id of the rollout." }) id: string,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<MfaRollout | undefined> {
    const rollout = await this.#deps.rolloutService.find(id, caller);
    return rollout && toMfaRollout(rollout);
  }

  @RequiresScope("cam.rollout:read")
  @PageSize()
  @Query(() => MfaRolloutConnection, {
    description: "The rollouts whose accounts the caller may all use, the latest first.",
  })
  async mfaRollouts(
    @Args(() => MfaRolloutsArgs) { status, first, after }: MfaRolloutsArgs,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<MfaRolloutConnection> {
    const size = pageSize(first);
    // One more than requested shows whether a next page exists.
    const rollouts = await this.#deps.rolloutService.list(
      caller,
      status ? nameOf(status) : undefined,
      size + 1,
      cursorOf(after, UUID),
    );
    return toPage(rollouts, { size, after }, (rollout) => ({
      node: toMfaRollout(rollout),
      cursor: rollout.id,
    }));
  }

  @RequiresScope("cam.rollout:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, {
    nullable: true,
    description:
      "Starts to plan a rollout, and answers immediately. Poll `mfaRollout` until its status is PLANNED. A plan changes " +
      "nothing. A business error is thrown.",
  })
  async planMfaRollout(
    @Arg("input", () => PlanMfaRolloutInput, { description: "The rollout to plan." })
    input: PlanMfaRolloutInput,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    return toMfaRollout(await this.#deps.rolloutService.plan(toPlanRequest(input), context));
  }

  @RequiresScope("cam.rollout:write")
  @CamCalls(0)
  @Mutation(() => MfaRollout, {
    nullable: true,
    description:
      "Starts to plan the undo of a rollout that has ended, and answers immediately. It restores the protections from " +
      "before each change, and leaves out users changed since. The plan is another rollout.",
  })
  async planMfaRolloutUndo(
    @Arg("id", () => ID, { description: "The id of the rollout to undo." }) id: string,
    @Arg("reason", () => String, {
      description: `The reason for the record of each change, at most ${LONGEST_REASON} characters.`,
    })
    reason: string,
    @Ctx() context: GraphQLContext,
  ): Promise<MfaRollout> {
    const { rolloutService } = this.#deps;
    const why = toText("reason", reason, LONGEST_REASON);
    return toMfaRollout(
      await rolloutService.planUndo(await rolloutService.require(id, context.caller), why, context),
    );
  }

  @FieldResolver(() => MfaRolloutCounts, { description: "The users by state." })
  async counts(@Root() { rollout }: MfaRollout): Promise<MfaRolloutCounts> {
    const counts = await this.#deps.rolloutService.counts(rollout);
    return {
      ...{ willChange: counts.will_change, alreadySo: counts.already_so, blocked: counts.blocked },
      ...{
        atRisk: counts.at_risk,
        excused: counts.excused,
        changing: counts.changing,
        unknown: counts.unknown,
      },
      ...{ applied: counts.applied, failed: counts.failed, changedSince: counts.changed_since },
    };
  }

  @FieldResolver(() => [MfaRolloutReason], {
    description: "The reasons why users are not changed, with the number of users, the most frequent first.",
  })
  async reasons(@Root() { rollout }: MfaRollout): Promise<readonly MfaRolloutReason[]> {
    const reasons = await this.#deps.rolloutService.reasons(rollout);
    return reasons.flatMap(({ state, code, users }) =>
      isCamErrorCode(code) ? [{ state: enumOf(state), code, users }] : [],
    );
  }

  @FieldResolver(() => [MfaRolloutLane], {
    description: "The accounts with users to change, in the order of the names.",
  })
  async lanes(@Root() { rollout }: MfaRollout): Promise<readonly MfaRolloutLane[]> {
    const lanes = await this.#deps.rolloutService.lanes(rollout);
    return lanes.map(({ state, code, ...same }) => ({
      ...{ ...same, state: enumOf(state), code: isCamErrorCode(code) ? code : undefined },
    }));
  }

  @FieldResolver(() => MfaRolloutProgress, { description: "The progress of the run. Poll this field." })
  async progress(@Root() { rollout }: MfaRollout): Promise<MfaRolloutProgress> {
    const lanes = await this.#deps.rolloutService.lanes(rollout);
    const total = sum(lanes.map((lane) => lane.total));
    const { wave, waveHeldUntil: heldUntil, waveAwaitsRelease: awaitsRelease } = rollout;
    return {
      ...{ total, done: sum(lanes.map((lane) => lane.done)), wave, heldUntil, awaitsRelease },
      secondsLeft: Math.max(0, ...lanes.map((lane) => lane.secondsLeft)),
      waves: wavesOf(rollout, total),
    };
  }

  @FieldResolver(() => MfaRolloutProof, {
    nullable: true,
    description: "The result of the reads after the run. Null until the gateway has read all changed users.",
  })
  proof(@Root() { rollout }: MfaRollout): Promise<MfaRolloutProof | undefined> {
    return this.#deps.rolloutService.proof(rollout);
  }

  @PageSize()
  @FieldResolver(() => MfaRolloutItemConnection, { description: "The users, in the order of the plan." })
  async items(
    @Root() { rollout }: MfaRollout,
    @Args(() => MfaRolloutItemsArgs) args: MfaRolloutItemsArgs,
  ): Promise<MfaRolloutItemConnection> {
    const { rolloutService } = this.#deps;
    const { first, after } = args;
    const size = pageSize(first);
    const filter = toItemFilter(args);
    const place = Number(cursorOf(after, ITEM_CURSOR) ?? 0);
    const [items, totalCount] = await Promise.all([
      rolloutService.items(rollout, filter, size + 1, place),
      rolloutService.countItems(rollout, filter),
    ]);
    const page = toPage(items, { size, after }, (item) => ({
      ...{ node: toMfaRolloutItem(item), cursor: String(item.item) },
    }));
    return { ...page, totalCount };
  }
}

/** Returns the number of waves with users. Users after the listed waves form one more. */
function wavesOf({ input: { waves } }: Rollout, users: number): number {
  let left = users;
  const listed = waves.filter((wave) => {
    left -= wave.users;
    return left + wave.users > 0;
  });
  return listed.length + (left > 0 ? 1 : 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
