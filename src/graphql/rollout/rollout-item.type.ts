import { ArgsType, Field, GraphQLISODateTime, ID, InputType, Int, ObjectType } from "type-graphql";
import { isAccountName } from "../../auth/accounts.ts";
import { type CamErrorCode, isCamErrorCode, type Uin } from "../../contract/index.ts";
import type { RolloutItem } from "../../rollouts/rollout.ts";
import type { ItemFilter } from "../../rollouts/rollout-store.ts";
import { requireStorable, UinScalar } from "../arguments.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCodeEnum } from "../enums.ts";
import { MfaMethodsOfBoth } from "../mfa-change/mfa-change.type.ts";
import { afterOptions, firstOptions, PageInfo } from "../paging.ts";
import { LoginActionFlag } from "../sub-user/sub-user.type.ts";
import { enumOf, MfaRolloutItemState, nameOf } from "./rollout-enums.ts";

@CamCalls(0)
@ObjectType({ description: "A user's protections before or after an item." })
class MfaRolloutImage {
  @Field(() => LoginActionFlag, { description: "Login protection." })
  login!: LoginActionFlag;

  @Field(() => LoginActionFlag, { description: "Operation protection." })
  action!: LoginActionFlag;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The time of this state, by the database's clock. Null for a state that is planned.",
  })
  asOf?: string | undefined;
}

@CamCalls(0)
@ObjectType({ description: "One user of a rollout." })
class MfaRolloutItem {
  @Field(() => Int, { description: "The place in the plan, from 1." })
  item!: number;

  @Field(() => String, {
    nullable: true,
    description: "The account. Null for a Uin of the list that none of several accounts has.",
  })
  account?: string | undefined;

  @Field(() => UinScalar, { description: "The user's Uin." })
  opUin!: Uin;

  @Field(() => String, { nullable: true, description: "The user's login name, as the directory knew it." })
  name?: string | undefined;

  @Field(() => MfaRolloutItemState, { description: "The state." })
  state!: keyof typeof MfaRolloutItemState;

  @Field(() => CamErrorCodeEnum, {
    nullable: true,
    description: "The error of a change that would be, may be or was refused.",
  })
  code?: CamErrorCode | undefined;

  @Field(() => String, { nullable: true, description: "CAM's own error code." })
  camCode?: string | undefined;

  @Field(() => String, { nullable: true, description: "Why the item has its state, in words." })
  why?: string | undefined;

  @Field(() => Int, { nullable: true, description: "The wave, from 1. Null if the user is only shown." })
  wave?: number | undefined;

  @Field(() => MfaRolloutImage, { nullable: true, description: "The user when planned. Null if unknown." })
  before?: MfaRolloutImage | undefined;

  @Field(() => MfaMethodsOfBoth, { nullable: true, description: "The full flag sets to send. Null if none." })
  sent?: MfaMethodsOfBoth | undefined;

  @Field(() => MfaRolloutImage, {
    nullable: true,
    description: "The user with these flag sets. Null if none.",
  })
  after?: MfaRolloutImage | undefined;

  @Field(() => MfaRolloutImage, {
    nullable: true,
    description: "The user as the read after the run showed. Null before it.",
  })
  readBack?: MfaRolloutImage | undefined;

  @Field(() => ID, { nullable: true, description: "The id of the change on record. Null before it began." })
  changeId?: string | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The end of the item." })
  settledAt?: Date | undefined;
}

@CamCalls(0)
@ObjectType({ description: "A user of a rollout with the cursor." })
class MfaRolloutItemEdge {
  @Field(() => MfaRolloutItem, { description: "The user." })
  node!: MfaRolloutItem;

  @Field(() => String, { description: "The position. Pass it as `after` to get the users that follow." })
  cursor!: string;
}

@CamCalls(0)
@ObjectType({ description: "A page of users of a rollout, in the order of the plan." })
export class MfaRolloutItemConnection {
  @Field(() => [MfaRolloutItemEdge], { description: "The users with their cursors." })
  edges!: readonly MfaRolloutItemEdge[];

  @Field(() => [MfaRolloutItem], { description: "The users without cursors." })
  nodes!: readonly MfaRolloutItem[];

  @Field(() => PageInfo, { description: "The position of the page." })
  pageInfo!: PageInfo;

  @Field(() => Int, { description: "The number of users in all pages." })
  totalCount!: number;
}

@InputType({ description: "Properties of items. All given ones have to match." })
class MfaRolloutItemFilter {
  @Field(() => [MfaRolloutItemState], { nullable: true, description: "The states." })
  states?: readonly (keyof typeof MfaRolloutItemState)[] | null;

  @Field(() => [CamErrorCodeEnum], { nullable: true, description: "The error codes." })
  codes?: readonly CamErrorCode[] | null;

  @Field(() => [String], { nullable: true, description: "The names of accounts." })
  accounts?: readonly string[] | null;

  @Field(() => String, { nullable: true, description: "A part of the name or Uin, upper or lower case." })
  search?: string | null;
}

@ArgsType()
export class MfaRolloutItemsArgs {
  @CamCalls(0)
  @Field(() => MfaRolloutItemFilter, { nullable: true, description: "Filters users." })
  filter?: MfaRolloutItemFilter | null;

  @Field(() => Int, firstOptions("users"))
  first?: number | null;

  @Field(() => String, afterOptions("users"))
  after?: string | null;
}

/** Returns the filter of items. @throws GraphQLError BAD_USER_INPUT */
export function toItemFilter({ filter }: MfaRolloutItemsArgs): ItemFilter {
  requireStorable({ search: filter?.search });
  return {
    states: filter?.states?.map(nameOf),
    codes: filter?.codes ?? undefined,
    accounts: filter?.accounts?.filter(isAccountName),
    search: filter?.search ?? undefined,
  };
}

/** Returns an item in the shape of the schema. */
export function toMfaRolloutItem({ state, code, before, sent, ...same }: RolloutItem): MfaRolloutItem {
  return {
    ...same,
    ...{ before, sent, state: enumOf(state), code: isCamErrorCode(code) ? code : undefined },
    after: before &&
      sent && { login: { ...before.login, ...sent.login }, action: { ...before.action, ...sent.action } },
  };
}
