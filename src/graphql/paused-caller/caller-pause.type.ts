import { Field, GraphQLISODateTime, Int, ObjectType } from "type-graphql";
import type { CallerPause as RecordedPause } from "../../audit/caller-pauses.ts";
import { CamCalls } from "../cam-calls.ts";
import { MfaChangeCaller } from "../mfa-change/mfa-change-caller.type.ts";

@CamCalls(0)
@ObjectType({ description: "Since when a caller may change nobody, and why." })
export class CallerPause {
  @Field(() => String, { description: "The caller." })
  subject!: string;

  @Field(() => String, { nullable: true, description: "Who vouched for the caller." })
  issuer?: string | undefined;

  @Field(() => GraphQLISODateTime, { description: "Since when, by the database's clock." })
  pausedAt!: Date;

  @Field(() => Int, {
    description: "Why: to how many different users the caller came, by asking for changes or approving them.",
  })
  users!: number;

  @Field(() => Int, { description: "The minutes within which that was." })
  withinMinutes!: number;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "When it was ended; null while it lasts." })
  resumedAt?: Date | undefined;

  @Field(() => MfaChangeCaller, { nullable: true, description: "Who ended it." })
  resumedBy?: MfaChangeCaller | undefined;
}

export function toCallerPause({
  subject,
  issuer,
  pausedAt,
  users,
  withinMs,
  resumed,
}: RecordedPause): CallerPause {
  const withinMinutes = Math.round(withinMs / 60_000);
  const pause = { subject, issuer, pausedAt, users, withinMinutes };
  return { ...pause, resumedAt: resumed?.at, resumedBy: resumed?.by };
}
