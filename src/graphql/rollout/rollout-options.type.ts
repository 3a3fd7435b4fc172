import { Field, GraphQLISODateTime, Int, ObjectType } from "type-graphql";
import type { RolloutSelection } from "../../rollouts/rollout.ts";
import { CamCalls } from "../directives.ts";
import {
  METHOD_NAMES,
  MfaMethod,
  ProtectionState,
  ProtectionStrength,
} from "../directory/directory-enums.ts";

@CamCalls(0)
@ObjectType({ description: "The users of a rollout. All given properties have to match." })
export class MfaRolloutSelection {
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
export class MfaRolloutWave {
  @Field(() => Int, { description: "The users of the wave." })
  users!: number;

  @Field(() => Int, { description: "The hours from the end of the wave to the start of the next one." })
  holdHours!: number;

  @Field(() => Boolean, { description: "Whether the next wave waits for `releaseMfaRolloutWave`." })
  waitForRelease!: boolean;
}

@CamCalls(0)
@ObjectType({ description: "The times at which items may begin." })
export class MfaRolloutWindow {
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
export function toMfaRolloutSelection({ accounts, filter, opUins }: RolloutSelection): MfaRolloutSelection {
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
