import { Field, GraphQLISODateTime, ObjectType, registerEnumType } from "type-graphql";
import { CamCalls } from "../cam-calls.ts";
import { MfaChangeCaller } from "./mfa-change-caller.type.ts";

export const MfaChangeDecision = {
  APPROVED: "APPROVED",
  REJECTED: "REJECTED",
  WITHDRAWN: "WITHDRAWN",
} as const;

registerEnumType(MfaChangeDecision, {
  name: "MfaChangeDecision",
  description: "What was decided of a change that needs approval.",
  valuesConfig: {
    APPROVED: { description: "Another caller let it go." },
    REJECTED: { description: "Another caller refused it." },
    WITHDRAWN: { description: "Whoever had asked for it took it back." },
  },
});

@CamCalls(0)
@ObjectType({ description: "What became of a change that another caller has to approve." })
export class MfaChangeApproval {
  @Field(() => GraphQLISODateTime, { description: "Until when it can be approved, by the database's clock." })
  expiresAt!: Date;

  @Field(() => MfaChangeDecision, {
    nullable: true,
    description: "What was decided; null while it is awaited, and where the change has expired.",
  })
  decision?: keyof typeof MfaChangeDecision | undefined;

  @Field(() => MfaChangeCaller, { nullable: true, description: "Who decided it." })
  decidedBy?: MfaChangeCaller | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "When it was decided." })
  decidedAt?: Date | undefined;

  @Field(() => String, { nullable: true, description: "Why, in the words of who decided it." })
  reason?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description: "The gateway's id of the request that decided it, which its log lines carry.",
  })
  gatewayRequestId?: string | undefined;
}
