import { Arg, Ctx, Directive, FieldResolver, Query, Resolver, Root } from "type-graphql";
import { MAX_SUB_ACCOUNTS_PER_CALL, type SubAccount } from "../../cam/index.ts";
import type { Uin } from "../../contract/index.ts";
import { CamCalls } from "../cam-calls.ts";
import type { GraphQLContext } from "../context.ts";
import { SubUserMfa } from "../mfa/mfa-flag.type.ts";
import { RequiresScope } from "../requires-scope.ts";
import { UinScalar } from "../uin-scalar.ts";
import { SubUser } from "./sub-user.type.ts";

@Resolver(() => SubUser)
export class SubUserResolver {
  @RequiresScope("cam.mfa:read")
  @CamCalls(1)
  @Query(() => SubUser, { nullable: true, description: "One sub-user; null where CAM has no such user." })
  async subUser(
    @Arg("opUin", () => UinScalar, { description: "The user's Uin." }) opUin: Uin,
    @Ctx() context: GraphQLContext,
  ): Promise<SubUser | null> {
    return findSubUser(opUin, context);
  }

  @RequiresScope("cam.mfa:read")
  // A profile is a fiftieth of a call, and weights are whole numbers: `mfa`, a call for each user, is what counts.
  @CamCalls(0)
  @Directive(`@listSize(assumedSize: ${MAX_SUB_ACCOUNTS_PER_CALL})`)
  @Query(() => [SubUser], {
    nullable: "items",
    description:
      "Several sub-users, in the order asked for; null at the place of each that CAM does not have.",
  })
  async subUsers(
    @Arg("opUins", () => [UinScalar], { description: "The users' Uins. 50 share one call to CAM." })
    opUins: readonly Uin[],
    @Ctx() context: GraphQLContext,
  ): Promise<(SubUser | null)[]> {
    return Promise.all(opUins.map((opUin) => findSubUser(opUin, context)));
  }

  @RequiresScope("cam.mfa:read")
  @CamCalls(1)
  @FieldResolver(() => SubUserMfa, {
    nullable: true,
    description: "The user's protections, read from CAM now. One call to CAM for each user.",
  })
  async mfa(@Root() user: SubUser, @Ctx() { loaders }: GraphQLContext): Promise<SubUserMfa> {
    return loaders.flags.load(user.opUin);
  }
}

/** As the query and as the federation entity: what CAM knows of the user, or null. */
export async function findSubUser(opUin: Uin, { loaders }: GraphQLContext): Promise<SubUser | null> {
  const account = await loaders.profile.load(opUin);
  return account === undefined ? null : toSubUser(account);
}

function toSubUser({ uin, ...profile }: SubAccount): SubUser {
  return { opUin: uin, ...profile };
}
