import { Field, GraphQLISODateTime, ID, Int, ObjectType } from "type-graphql";
import { type CamErrorCode, isCamErrorCode } from "../../contract/index.ts";
import type { Rollout, RolloutSelection } from "../../rollouts/rollout.ts";
import { CamCalls } from "../directives.ts";
import {
  METHOD_NAMES,
  MfaMethod,
  ProtectionState,
  ProtectionStrength,
} from "../directory/directory-enums.ts";
import { CamErrorCodeEnum } from "../enums.ts";
import { MfaChangeCaller, MfaMethodsOfBoth } from "../mfa-change/mfa-change.type.ts";
import { enumOf, MfaRolloutDecision, MfaRolloutStatus } from "./rollout-enums.ts";
import { MfaRolloutPrice } from "./rollout-figures.type.ts";

@CamCalls(0)
@ObjectType({ description: "The approval of a plan by another person." })
class MfaRolloutApproval {
  @Field(() => GraphQLISODateTime, { description: "The time when the start asked for it." })
  requestedAt!: Date;

  @Field(() => GraphQLISODateTime, {
    description: "The end of the approval's validity. A run that takes longer stops.",
  })
  expiresAt!: Date;

  @Field(() => MfaRolloutDecision, {
    nullable: true,
    description: "The decision. Null while the plan waits for one.",
  })
  decision?: keyof typeof MfaRolloutDecision | undefined;

  @Field(() => MfaChangeCaller, { nullable: true, description: "The person who decided." })
  decidedBy?: MfaChangeCaller | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The time of the decision." })
  decidedAt?: Date | undefined;

  @Field(() => String, { nullable: true, description: "The reason, in the words of the person who decided." })
  reason?: string | undefined;
}

@CamCalls(0)
@ObjectType({
  description:
    "A change of many users by a plan. The run changes exactly the users and methods that were planned " +
    "and approved.",
})
export class MfaRollout {
  @Field(() => ID, { description: "The id, a UUIDv7. Ids sort by time." })
  id!: string;

  @Field(() => String, { description: "The name, in the words of the person who planned it." })
  name!: string;

  @Field(() => String, { description: "The reason, for the record of each change." })
  reason!: string;

  @Field(() => MfaRolloutStatus, { description: "The status." })
  status!: keyof typeof MfaRolloutStatus;

  @Field(() => CamErrorCodeEnum, { nullable: true, description: "The error that ended it." })
  code?: CamErrorCode | undefined;

  @Field(() => String, { nullable: true, description: "Why it ended or was paused, in words." })
  hint?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description:
      "The hash of the plan: users in order, before-images, flag sets, options and policy. `startMfaRollout` needs it.",
  })
  planHash?: string | undefined;

  @Field(() => GraphQLISODateTime, { description: "The time of the request, by the database's clock." })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The time when the plan was made." })
  plannedAt?: Date | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The end of the time to start the plan." })
  expiresAt?: Date | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The start of the run." })
  startedAt?: Date | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The end." })
  finishedAt?: Date | undefined;

  @Field(() => MfaChangeCaller, {
    description: "The caller who planned it. The record names this caller for each change.",
  })
  requestedBy!: MfaChangeCaller;

  @Field(() => MfaRolloutApproval, {
    nullable: true,
    description: "The approval, once the start asked for one.",
  })
  approval?: MfaRolloutApproval | undefined;

  @Field(() => Int, {
    nullable: true,
    description:
      "The minutes within which the plan must be approved. Null if no rule of the policy requires an " +
      "approval.",
  })
  approvalMinutes?: number | undefined;

  @Field(() => ID, { nullable: true, description: "The id of the rollout that this one undoes." })
  undoOf?: string | undefined;

  @Field(() => [String], {
    description: "The accounts of the rollout. Only a caller who may use all of them sees the rollout.",
  })
  accounts!: readonly string[];

  @Field(() => MfaRolloutSelection, { nullable: true, description: "The selected users. Null for an undo." })
  selection?: MfaRolloutSelection | undefined;

  @Field(() => MfaMethodsOfBoth, { nullable: true, description: "The wanted protections. Null for an undo." })
  desired?: MfaMethodsOfBoth | undefined;

  @Field(() => Int, {
    nullable: true,
    description: "The failures that the rollout accepts. Null until planned.",
  })
  maxFailures?: number | undefined;

  @Field(() => [MfaRolloutWave], { description: "The listed waves. Further users form one more." })
  waves!: readonly MfaRolloutWave[];

  @Field(() => MfaRolloutWindow, { nullable: true, description: "The times at which items may begin." })
  window?: MfaRolloutWindow | undefined;

  @Field(() => Boolean, { description: "Whether it also changes users at risk." })
  includeAtRisk!: boolean;

  @Field(() => MfaRolloutPrice, { nullable: true, description: "The cost. Null until planned." })
  price?: MfaRolloutPrice | undefined;

  /** Not in the schema. */
  rollout!: Rollout;
}

/** Returns a rollout in the shape of the schema. */
export function toMfaRollout(rollout: Rollout): MfaRollout {
  const { status, code, input, approval, price, maxFailures, ...same } = rollout;
  const { selection, desired, waves, window, includeAtRisk } = input;
  return {
    ...same,
    ...{ desired, waves, includeAtRisk, maxFailures, rollout },
    status: enumOf(status),
    code: isCamErrorCode(code) ? code : undefined,
    approval: approval && toApproval(approval),
    selection: selection && toMfaRolloutSelection(selection),
    window,
    price: price && {
      ...price,
      slowestAccount: price.secondsByAccount.toSorted((one, other) => other.seconds - one.seconds)[0]
        ?.account,
      failuresAllowed: maxFailures ?? 0,
    },
  };
}

function toApproval({ decision, ...same }: NonNullable<Rollout["approval"]>): MfaRolloutApproval {
  if (decision === undefined) return same;
  const { kind, by, at, reason } = decision;
  return { ...same, decision: enumOf(kind), decidedBy: by, decidedAt: at, reason };
}

@CamCalls(0)
@ObjectType({ description: "The users of a rollout. All given properties have to match." })
class MfaRolloutSelection {
  @Field(() => [String], { description: "The accounts." })
  accounts!: readonly string[];

  @Field(() => Int, { nullable: true, description: "The length of the list of Uins. Null without a list." })
  listedUsers?: number | undefined;

  @Field(() => String, { nullable: true, description: "Words that name, Uin or remark contain." })
  search?: string | undefined;

  @Field(() => ProtectionState, { nullable: true, description: "Login protection." })
  login?: keyof typeof ProtectionState | undefined;

  @Field(() => ProtectionState, { nullable: true, description: "Operation protection." })
  action?: keyof typeof ProtectionState | undefined;

  @Field(() => [MfaMethod], { nullable: true, description: "Users with at least one of these methods." })
  methods?: readonly (keyof typeof MfaMethod)[] | undefined;

  @Field(() => [ProtectionStrength], { nullable: true, description: "The strengths of login protection." })
  strength?: readonly (keyof typeof ProtectionStrength)[] | undefined;

  @Field(() => Boolean, { nullable: true, description: "Whether a phone number is bound." })
  hasPhone?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: "Whether the user may sign in to the console." })
  consoleLogin?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: "Whether the user never logged in." })
  neverLoggedIn?: boolean | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Users without a login since this time." })
  inactiveSince?: Date | undefined;
}

@CamCalls(0)
@ObjectType({ description: "A number of users that are changed before all others." })
class MfaRolloutWave {
  @Field(() => Int, { description: "The users of the wave." })
  users!: number;

  @Field(() => Int, { description: "The hours from the end of the wave to the start of the next one." })
  holdHours!: number;

  @Field(() => Boolean, { description: "Whether the next wave waits for `releaseMfaRolloutWave`." })
  waitForRelease!: boolean;
}

@CamCalls(0)
@ObjectType({ description: "The times at which items may begin." })
class MfaRolloutWindow {
  @Field(() => String, { description: "The time zone, for example `Asia/Shanghai`." })
  timeZone!: string;

  @Field(() => [String], { nullable: true, description: "The days, for example `Mon`. Every day if null." })
  days?: readonly string[] | undefined;

  @Field(() => String, { description: "The first minute, `HH:MM`." })
  from!: string;

  @Field(() => String, { description: "The end, `HH:MM`, not included. `24:00` is the end of the day." })
  to!: string;
}

/** Returns a selection in the shape of the schema. */
function toMfaRolloutSelection({ accounts, filter, opUins }: RolloutSelection): MfaRolloutSelection {
  const { methods, inactiveSince, ...same } = filter;
  const schemaName = (method: string) =>
    (Object.keys(METHOD_NAMES) as (keyof typeof MfaMethod)[]).find((name) => METHOD_NAMES[name] === method);
  return {
    ...{ ...same, accounts, listedUsers: opUins?.length },
    methods: methods?.map(schemaName).filter((name) => name !== undefined),
    // The database keeps it as text.
    inactiveSince: inactiveSince && new Date(inactiveSince),
  };
}
