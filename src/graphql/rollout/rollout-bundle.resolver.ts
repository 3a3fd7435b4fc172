import { Arg, Ctx, Directive, Field, ID, Int, ObjectType, Query, Resolver } from "type-graphql";
import { GatewayError } from "../../contract/index.ts";
import type { RolloutBundles } from "../../rollouts/proof/rollout-bundle.ts";
import type { RolloutService } from "../../rollouts/rollout-service.ts";
import { badInput } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";

@CamCalls(0)
@ObjectType({ description: "Lines of the bundle that proves a rollout." })
class MfaRolloutBundle {
  @Field(() => [String], { description: "The lines. To write the file, add a line feed to each." })
  lines!: readonly string[];

  @Field(() => Int, { description: "The number of lines of the whole bundle." })
  total!: number;
}

const MAX_LINES = 500;
const MAX_LINES_BEFORE = 1_000_000_000;

interface RolloutBundleDeps {
  readonly rolloutService: Pick<RolloutService, "require">;
  readonly bundles: Pick<RolloutBundles, "read">;
}

/** Reads the bundles of sealed rollouts. */
@Resolver()
export class RolloutBundleResolver {
  readonly #deps: RolloutBundleDeps;

  constructor(deps: RolloutBundleDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.rollout:read")
  @Directive(
    '@listSize(slicingArguments: ["first"], sizedFields: ["lines"], requireOneSlicingArgument: false)',
  )
  @Query(() => MfaRolloutBundle, {
    nullable: true,
    description:
      "The bundle that proves a rollout, a page of lines at a time. `cam-gateway rollout verify` checks it offline. It " +
      "exists once every changed user is read again and the result is sealed.",
  })
  async mfaRolloutBundle(
    @Arg("id", () => ID, { description: "The id of the rollout." }) id: string,
    @Arg("first", () => Int, {
      ...{ nullable: true, defaultValue: MAX_LINES },
      description: `The number of lines, from 1 to ${MAX_LINES}.`,
    })
    first: number | null,
    @Arg("after", () => Int, {
      ...{ nullable: true, defaultValue: 0 },
      description: "The number of lines to skip.",
    })
    after: number | null,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<MfaRolloutBundle> {
    const [size, before] = [first ?? MAX_LINES, after ?? 0];
    if (size < 1 || size > MAX_LINES) throw badInput(`"first" must be from 1 to ${MAX_LINES}.`);
    if (before < 0 || before > MAX_LINES_BEFORE) throw badInput('"after" must be a number of lines.');
    const rollout = await this.#deps.rolloutService.require(id, caller);
    const page = await this.#deps.bundles.read(rollout.id, before, size);
    if (page !== undefined) return page;
    throw new GatewayError("ROLLOUT_STATUS", {
      hint: "It is not proved: its users are not read again yet, or its record was pruned.",
    });
  }
}
