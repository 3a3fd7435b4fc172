import { Field, GraphQLISODateTime, ID, Int, ObjectType } from "type-graphql";
import type { CamErrorCode, Uin } from "../../contract/index.ts";
import { CamCalls } from "../cam-calls.ts";
import { CamErrorCodeEnum } from "../cam-error/cam-error.enums.ts";
import { ChangeResolution } from "../mfa/change-resolution.enum.ts";
import { LoginActionFlag } from "../mfa/mfa-flag.type.ts";
import { MfaSource } from "../mfa/mfa-source.enum.ts";
import { UinScalar } from "../uin-scalar.ts";
import { MfaChangeApproval } from "./mfa-change-approval.type.ts";
import { MfaChangeCaller } from "./mfa-change-caller.type.ts";
import { MfaChangeStatus } from "./mfa-change-status.enum.ts";

@CamCalls(0)
@ObjectType({ description: "Which methods were to be switched, or sent: null means unchanged, or not sent." })
export class MfaMethods {
  @Field(() => Boolean, { nullable: true, description: "A code by SMS." })
  phone?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: "A virtual MFA device." })
  stoken?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: "A scan by WeChat." })
  wechat?: boolean | undefined;
}

@CamCalls(0)
@ObjectType({ description: "The methods of both protections." })
export class MfaMethodsOfBoth {
  @Field(() => MfaMethods, { nullable: true, description: "Login protection; null where it was left alone." })
  login?: MfaMethods | undefined;

  @Field(() => MfaMethods, {
    nullable: true,
    description: "Operation protection; null where it was left alone.",
  })
  action?: MfaMethods | undefined;
}

@CamCalls(0)
@ObjectType({ description: "A user's protections as they were known before a change." })
export class MfaBeforeImage {
  @Field(() => LoginActionFlag, { description: "Login protection." })
  login!: LoginActionFlag;

  @Field(() => LoginActionFlag, { description: "Operation protection." })
  action!: LoginActionFlag;

  @Field(() => MfaSource, {
    nullable: true,
    description: "Whose knowledge this is; null in records of earlier releases, which read CAM.",
  })
  source?: keyof typeof MfaSource | undefined;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "As `SubUserMfa.asOf`; null in records of earlier releases.",
  })
  asOf?: string | undefined;
}

@CamCalls(0)
@ObjectType({
  description:
    "The record of one change. It is written before CAM hears of the change, and never altered afterwards.",
})
export class MfaChange {
  @Field(() => ID, { description: "Sorts by when the change was begun (UUIDv7)." })
  id!: string;

  @Field(() => UinScalar, { description: "The user who was changed." })
  opUin!: Uin;

  @Field(() => String, {
    description:
      "The account whose user it is, by the name that the gateway had for it; `default` for the one that needs no name.",
  })
  account!: string;

  @Field(() => MfaChangeCaller, { description: "Who asked for it." })
  caller!: MfaChangeCaller;

  @Field(() => String, { description: "The gateway's id of the request, which its log lines carry." })
  gatewayRequestId!: string;

  @Field(() => MfaMethodsOfBoth, { description: "What the caller asked for." })
  requested!: MfaMethodsOfBoth;

  @Field(() => String, { nullable: true, description: "Why, in the caller's words." })
  reason?: string | undefined;

  @Field(() => MfaBeforeImage, {
    description: "The user as known before; of a change that was approved, as known then.",
  })
  before!: MfaBeforeImage;

  @Field(() => MfaMethodsOfBoth, { description: "The full flag sets that were, or were to be, sent to CAM." })
  sent!: MfaMethodsOfBoth;

  @Field(() => MfaChangeStatus, { description: "What is known of it." })
  status!: keyof typeof MfaChangeStatus;

  @Field(() => MfaChangeApproval, {
    nullable: true,
    description: "What became of its approval; null where the policy asks for none.",
  })
  approval?: MfaChangeApproval | undefined;

  @Field(() => ChangeResolution, { nullable: true, description: "How that is known; null while it is not." })
  resolvedBy?: keyof typeof ChangeResolution | undefined;

  @Field(() => CamErrorCodeEnum, {
    nullable: true,
    description: "Why it is not, or not certainly, in force.",
  })
  code?: CamErrorCode | undefined;

  @Field(() => String, { nullable: true, description: "CAM's own error code." })
  camCode?: string | undefined;

  @Field(() => String, { nullable: true, description: "CAM's RequestId of the call that settled it." })
  camRequestId?: string | undefined;

  @Field(() => Int, { description: "Requests of SetMfaFlag that were made for it." })
  attempts!: number;

  @Field(() => Int, { description: "Milliseconds that its calls waited for CAM's quota." })
  quotaWaitMs!: number;

  @Field(() => String, { description: "The replica of the gateway that holds it." })
  replica!: string;

  @Field(() => GraphQLISODateTime, { description: "When it was put on record, by the database's clock." })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "When its outcome became known, or became unknown.",
  })
  finishedAt?: Date | undefined;
}
