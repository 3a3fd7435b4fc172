import { Arg, Ctx, Directive, FieldResolver, Query, Resolver, Root } from "type-graphql";
import { MAX_SUB_ACCOUNTS_PER_CALL, type SubAccount } from "../../cam/index.ts";
import type { Uin } from "../../contract/index.ts";
import { accountOptions } from "../account-argument.ts";
import { CamCalls } from "../cam-calls.ts";
import type { GraphQLContext } from "../context.ts";
import type { Loaders } from "../loaders.ts";
import { SubUserMfa } from "../mfa/mfa-flag.type.ts";
import { RequiresScope } from "../requires-scope.ts";
import { UinScalar } from "../uin-scalar.ts";
import { SubUser } from "./sub-user.type.ts";
import { toSubUserId } from "./sub-user-id.ts";

@Resolver(() => SubUser)
export class SubUserResolver {
  @RequiresScope("cam.mfa:read")
  @CamCalls(1)
  @Query(() => SubUser, { nullable: true, description: "One sub-user; null where CAM has no such user." })
  async subUser(
    @Arg("opUin", () => UinScalar, { description: "The user's Uin." }) opUin: Uin,
    @Arg("account", () => String, accountOptions) account: string | null | undefined,
    @Ctx() { loaders }: GraphQLContext,
  ): Promise<SubUser | null> {
    return findSubUser(opUin, loaders.of(account));
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
    @Arg("account", () => String, accountOptions) account: string | null | undefined,
    @Ctx() { loaders }: GraphQLContext,
  ): Promise<(SubUser | null)[]> {
    const ofAccount = loaders.of(account);
    return Promise.all(opUins.map((opUin) => findSubUser(opUin, ofAccount)));
  }

  @RequiresScope("cam.mfa:read")
  @CamCalls(1)
  @FieldResolver(() => SubUserMfa, {
    nullable: true,
    description: "The user's protections, read from CAM now. One call to CAM for each user.",
  })
  async mfa(@Root() user: SubUser, @Ctx() { loaders }: GraphQLContext): Promise<SubUserMfa> {
    return loaders.of(user.account).flags.load(user.opUin);
  }
}

/** As the query and as the federation entity: what CAM knows of the user, or null. */
export async function findSubUser(opUin: Uin, { account, profile }: Loaders): Promise<SubUser | null> {
  const found = await profile.load(opUin);
  return found === undefined ? null : toSubUser(account, found);
}

function toSubUser(account: string, { uin: opUin, ...profile }: SubAccount): SubUser {
  return { id: toSubUserId({ account, opUin }), opUin, account, ...profile };
}
