import { Field, GraphQLISODateTime, Int, ObjectType } from "type-graphql";
import type { CamErrorCode } from "../../contract/index.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCodeEnum } from "../enums.ts";
import { MfaRolloutItemState, MfaRolloutLaneState } from "./rollout-enums.ts";

@CamCalls(0)
@ObjectType({ description: "How many users have a state for the same reason." })
export class MfaRolloutReason {
  @Field(() => MfaRolloutItemState, { description: "The state of the users." })
  state!: keyof typeof MfaRolloutItemState;

  @Field(() => CamErrorCodeEnum, { description: "The reason." })
  code!: CamErrorCode;

  @Field(() => Int, { description: "The number of users." })
  users!: number;
}

@CamCalls(0)
@ObjectType({ description: "The users of a rollout by state." })
export class MfaRolloutCounts {
  @Field(() => Int, { description: "Users to change." })
  willChange!: number;

  @Field(() => Int, { description: "Users that have the wanted protections." })
  alreadySo!: number;

  @Field(() => Int, { description: "Users whose change would be or was refused." })
  blocked!: number;

  @Field(() => Int, {
    description: "Users that may be unable to sign in afterwards; the gateway does not know.",
  })
  atRisk!: number;

  @Field(() => Int, { description: "Users that an exception of the policy leaves out." })
  excused!: number;

  @Field(() => Int, { description: "Users whose change is under way." })
  changing!: number;

  @Field(() => Int, { description: "Users whose outcome is not known yet." })
  unknown!: number;

  @Field(() => Int, { description: "Users whose change is in force." })
  applied!: number;

  @Field(() => Int, { description: "Users whose change was refused." })
  failed!: number;

  @Field(() => Int, { description: "Users that another program or person changed after the plan." })
  changedSince!: number;
}

@CamCalls(0)
@ObjectType({ description: "The cost of one account in a rollout." })
class MfaRolloutAccountPrice {
  @Field(() => String, { description: "The name of the account." })
  account!: string;

  @Field(() => Int, { description: "The users to change." })
  users!: number;

  @Field(() => Int, { description: "The calls to CAM, with the reads after the run." })
  camCalls!: number;

  @Field(() => Int, { description: "The seconds at the account's limit." })
  seconds!: number;
}

@CamCalls(0)
@ObjectType({
  description: "The cost of a rollout, without the holds of waves and the times outside the window.",
})
export class MfaRolloutPrice {
  @Field(() => Int, { description: "The calls to CAM, with the reads after the run." })
  camCalls!: number;

  @Field(() => Int, {
    description: "The seconds of the run: those of the slowest account, or of the error budget.",
  })
  seconds!: number;

  @Field(() => String, { nullable: true, description: "The account that takes longest." })
  slowestAccount?: string | undefined;

  @Field(() => [MfaRolloutAccountPrice], { description: "The cost of each account with users to change." })
  secondsByAccount!: readonly MfaRolloutAccountPrice[];

  @Field(() => Int, {
    description:
      "The seconds that the error budget adds. With a small budget, few items run at the same time.",
  })
  budgetSeconds!: number;

  @Field(() => Int, { description: "The failures that the rollout accepts. One more stops it." })
  failuresAllowed!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      "The users who lose login or operation protection: it has a method before the change and none afterwards. Null for plans of earlier releases.",
  })
  usersLosingProtection?: number | undefined;
}

@CamCalls(0)
@ObjectType({ description: "The users of one account that a rollout changes." })
export class MfaRolloutLane {
  @Field(() => String, { description: "The name of the account." })
  account!: string;

  @Field(() => Int, { description: "The users to change." })
  total!: number;

  @Field(() => Int, { description: "The users whose item has ended." })
  done!: number;

  @Field(() => MfaRolloutLaneState, { description: "The state of the account." })
  state!: keyof typeof MfaRolloutLaneState;

  @Field(() => CamErrorCodeEnum, { nullable: true, description: "Why the account waits." })
  code?: CamErrorCode | undefined;

  @Field(() => Int, { description: "The seconds that the rest takes at the account's limit." })
  secondsLeft!: number;
}

@CamCalls(0)
@ObjectType({ description: "The progress of a run. Poll it." })
export class MfaRolloutProgress {
  @Field(() => Int, { description: "The users to change." })
  total!: number;

  @Field(() => Int, { description: "The users whose item has ended." })
  done!: number;

  @Field(() => Int, {
    description: "The seconds that the rest takes, without holds and times outside the window.",
  })
  secondsLeft!: number;

  @Field(() => Int, { nullable: true, description: "The wave that runs, from 1. Null before the start." })
  wave?: number | undefined;

  @Field(() => Int, { description: "The number of waves. Users after the listed waves form the last one." })
  waves!: number;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The time before which the next wave does not begin. Null without a hold.",
  })
  heldUntil?: Date | undefined;

  @Field(() => Boolean, { description: "Whether the next wave waits for `releaseMfaRolloutWave`." })
  awaitsRelease!: boolean;
}

@CamCalls(0)
@ObjectType({ description: "The result of the reads after a run." })
export class MfaRolloutProof {
  @Field(() => Int, { description: "The users whose protections differ from those that the run left." })
  differences!: number;

  @Field(() => GraphQLISODateTime, { description: "The time of the last read." })
  readBackAt!: Date;

  @Field(() => Boolean, { description: "Whether the digest of the reads is sealed in the gateway's chain." })
  sealed!: boolean;
}
