import { Arg, Ctx, Directive, FieldResolver, Query, Resolver, Root } from "type-graphql";
import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { requireScope } from "../../auth/caller.ts";
import { MAX_SUB_ACCOUNTS_PER_CALL } from "../../cam/index.ts";
import { explainUin, parseUin, type Uin } from "../../contract/index.ts";
import {
  accountOptions,
  badInput,
  parseSubUserId,
  type SubUserRef,
  toSubUserId,
  UinScalar,
} from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { toGraphQLError } from "../error-channels.ts";
import type { Loaders } from "../loaders.ts";
import { SubUser, SubUserMfa } from "./sub-user.type.ts";

@Resolver(() => SubUser)
export class SubUserResolver {
  @RequiresScope("cam.mfa:read")
  @CamCalls(1)
  @Query(() => SubUser, { nullable: true, description: "One sub-user. Null if CAM has no such user." })
  async subUser(
    @Arg("opUin", () => UinScalar, { description: "The user's Uin." }) opUin: Uin,
    @Arg("account", () => String, accountOptions) account: string | null | undefined,
    @Ctx() { loaders }: GraphQLContext,
  ): Promise<SubUser | null> {
    return findSubUser(opUin, loaders.of(account));
  }

  @RequiresScope("cam.mfa:read")
  // Weights are whole numbers, and a profile is a fiftieth of a call. Only the field `mfa` counts, with 1 a user.
  @CamCalls(0)
  @Directive(`@listSize(assumedSize: ${MAX_SUB_ACCOUNTS_PER_CALL})`)
  @Query(() => [SubUser], {
    nullable: "items",
    description: "Several sub-users in the order of `opUins`. An item is null if CAM has no such user.",
  })
  async subUsers(
    @Arg("opUins", () => [UinScalar], { description: "The users' Uins. 50 of them share one CAM call." })
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
    description: "The user's protections, read from CAM now with one call for each user.",
  })
  async mfa(@Root() user: SubUser, @Ctx() { loaders }: GraphQLContext): Promise<SubUserMfa> {
    return loaders.of(user.account).flags.load(user.opUin);
  }
}

async function findSubUser(opUin: Uin, { account, profile }: Loaders): Promise<SubUser | null> {
  const found = await profile.load(opUin);
  if (found === undefined) return null;
  const { uin: _, ...fields } = found;
  return { id: toSubUserId({ account, opUin }), opUin, account, ...fields };
}

/**
 * Returns the user of a router's representation, by the id, or by the Uin alone in the default account. Returns null if
 * CAM has no such user. An error fails this representation only. The function itself checks the scope, because it calls
 * CAM for every selection of fields.
 */
export async function resolveSubUserReference(
  reference: { readonly id?: unknown; readonly opUin?: unknown },
  context: GraphQLContext,
): Promise<SubUser | null> {
  const { account, opUin } = parseReference(reference);
  try {
    requireScope(context.caller, "cam.mfa:read");
    return await findSubUser(opUin, context.loaders.of(account));
  } catch (error) {
    throw toGraphQLError(error, { requestId: context.requestId, opUin });
  }
}

function parseReference({ id, opUin }: { readonly id?: unknown; readonly opUin?: unknown }): SubUserRef {
  if (id === undefined) {
    const uin = parseUin(opUin);
    if (uin === undefined) throw badInput(explainUin(opUin));
    return { account: DEFAULT_ACCOUNT, opUin: uin };
  }
  const name = parseSubUserId(id);
  if (name !== undefined) return name;
  throw badInput("The id of a SubUser is `<account>/<Uin>`, or the Uin alone in the default account.");
}
