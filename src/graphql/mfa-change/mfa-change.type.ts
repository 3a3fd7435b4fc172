import { Field, GraphQLISODateTime, ID, Int, ObjectType } from "type-graphql";
import type { ChangeApproval, ChangeRecord } from "../../audit/change-record.ts";
import { type CamErrorCode, isCamErrorCode, type Uin } from "../../contract/index.ts";
import { UinScalar } from "../arguments.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCodeEnum, registerEnum } from "../enums.ts";
import { LoginActionFlag, MfaSource } from "../sub-user/sub-user.type.ts";

export const ChangeResolution = registerEnum(
  "ChangeResolution",
  "The evidence for the outcome of a change.",
  {
    REPLY: "CAM replied.",
    READ_BACK: "CAM's reply was lost. The gateway read the user back.",
  },
);

export const MfaChangeStatus = registerEnum("MfaChangeStatus", "The status of a change.", {
  AWAITING_APPROVAL:
    "On record. The gateway makes the change after another caller approves it by `approveMfaChange`.",
  PENDING: "On record. The outcome is not known yet.",
  APPLIED: "The change is in force.",
  REFUSED: "The change was provably not applied.",
  UNKNOWN: "Nothing proves whether the change was applied. The gateway keeps reading the user for a day.",
});

const MfaChangeDecision = registerEnum(
  "MfaChangeDecision",
  "A decision about a change that needs approval.",
  {
    APPROVED: "Another caller approved the change.",
    REJECTED: "Another caller rejected the change.",
    WITHDRAWN: "The requesting caller withdrew the change.",
  },
);

@CamCalls(0)
@ObjectType({ description: "A caller as recorded." })
export class MfaChangeCaller {
  @Field(() => String, { description: "The subject of the caller, `local` in local mode." })
  subject!: string;

  @Field(() => String, { nullable: true, description: "The client that acted for the caller." })
  client?: string | undefined;

  @Field(() => String, { nullable: true, description: "The issuer of the caller's token or certificate." })
  issuer?: string | undefined;
}

@CamCalls(0)
@ObjectType({ description: "The approval of a change by another caller." })
class MfaChangeApproval {
  @Field(() => GraphQLISODateTime, {
    description: "The end of the time for approval, by the database's clock.",
  })
  expiresAt!: Date;

  @Field(() => MfaChangeDecision, {
    nullable: true,
    description: "The decision. Null before the decision, and after the change expired.",
  })
  decision?: keyof typeof MfaChangeDecision | undefined;

  @Field(() => MfaChangeCaller, { nullable: true, description: "The caller who decided." })
  decidedBy?: MfaChangeCaller | undefined;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The time of the decision." })
  decidedAt?: Date | undefined;

  @Field(() => String, { nullable: true, description: "The reason, in the words of the caller who decided." })
  reason?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description: "The gateway's id of the deciding request, which its log lines carry.",
  })
  gatewayRequestId?: string | undefined;
}

@CamCalls(0)
@ObjectType({ description: "The methods of one protection that a change requests or sends." })
class MfaMethods {
  @Field(() => Boolean, { nullable: true, description: "A code by SMS. Null if unchanged or not sent." })
  phone?: boolean | undefined;

  @Field(() => Boolean, {
    nullable: true,
    description: "A virtual MFA device. Null if unchanged or not sent.",
  })
  stoken?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: "A scan by WeChat. Null if unchanged or not sent." })
  wechat?: boolean | undefined;
}

@CamCalls(0)
@ObjectType({ description: "The methods of both protections." })
export class MfaMethodsOfBoth {
  @Field(() => MfaMethods, { nullable: true, description: "Login protection. Null if unchanged." })
  login?: MfaMethods | undefined;

  @Field(() => MfaMethods, { nullable: true, description: "Operation protection. Null if unchanged." })
  action?: MfaMethods | undefined;
}

@CamCalls(0)
@ObjectType({ description: "A user's protections as the gateway read them before a change." })
class MfaBeforeImage {
  @Field(() => LoginActionFlag, { description: "Login protection." })
  login!: LoginActionFlag;

  @Field(() => LoginActionFlag, { description: "Operation protection." })
  action!: LoginActionFlag;

  @Field(() => MfaSource, {
    nullable: true,
    description: "The source of these values. Null in records of earlier releases, which always read CAM.",
  })
  source?: keyof typeof MfaSource | undefined;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The time of these values, as `SubUserMfa.asOf`. Null in records of earlier releases.",
  })
  asOf?: string | undefined;
}

@CamCalls(0)
@ObjectType({
  description:
    "The record of one change. The gateway makes it before it writes to CAM. A finished record never changes.",
})
export class MfaChange {
  @Field(() => ID, { description: "The id of the change, a UUIDv7. Ids sort by the start of the change." })
  id!: string;

  @Field(() => UinScalar, { description: "The user of the change." })
  opUin!: Uin;

  @Field(() => String, {
    description: "The account of the user, by its name at that time, such as `default`.",
  })
  account!: string;

  @Field(() => MfaChangeCaller, { description: "The caller who requested the change." })
  caller!: MfaChangeCaller;

  @Field(() => String, { description: "The gateway's id of the request, which its log lines carry." })
  gatewayRequestId!: string;

  @Field(() => MfaMethodsOfBoth, { description: "The methods that the caller requested." })
  requested!: MfaMethodsOfBoth;

  @Field(() => String, { nullable: true, description: "The reason, in the caller's words." })
  reason?: string | undefined;

  @Field(() => MfaBeforeImage, {
    description: "The user before the change. For an approved change, the user at the time of approval.",
  })
  before!: MfaBeforeImage;

  @Field(() => MfaMethodsOfBoth, {
    description: "The full flag sets that the gateway sent or intended to send.",
  })
  sent!: MfaMethodsOfBoth;

  @Field(() => MfaChangeStatus, { description: "The status of the change." })
  status!: keyof typeof MfaChangeStatus;

  @Field(() => MfaChangeApproval, {
    nullable: true,
    description: "The approval of the change. Null if the policy requires none.",
  })
  approval?: MfaChangeApproval | undefined;

  @Field(() => ChangeResolution, {
    nullable: true,
    description: "The evidence for the outcome. Null while the outcome is unknown.",
  })
  resolvedBy?: keyof typeof ChangeResolution | undefined;

  @Field(() => CamErrorCodeEnum, {
    nullable: true,
    description: "The error of a change that is not, or not certainly, in force.",
  })
  code?: CamErrorCode | undefined;

  @Field(() => String, { nullable: true, description: "CAM's own error code." })
  camCode?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description: "CAM's RequestId of the call that settled the change.",
  })
  camRequestId?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description: "The SHA-256 of the policy file that allowed the change. Null without a policy.",
  })
  policyHash?: string | undefined;

  @Field(() => [String], {
    nullable: true,
    description: "The ids of the policy's rules that allowed the change. Null without a policy.",
  })
  policyRules?: readonly string[] | undefined;

  @Field(() => Int, { description: "The number of SetMfaFlag requests for this change." })
  attempts!: number;

  @Field(() => Int, {
    description: "Milliseconds that the calls of this change waited for slots of CAM's rate limit.",
  })
  quotaWaitMs!: number;

  @Field(() => String, { description: "The replica of the gateway that handles the change." })
  replica!: string;

  @Field(() => GraphQLISODateTime, { description: "The time of the first record, by the database's clock." })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The time when the outcome became known, or when the gateway recorded it as unknown.",
  })
  finishedAt?: Date | undefined;
}

/** Returns a record in the shape of the schema. */
export function toMfaChange(record: ChangeRecord): MfaChange {
  const { requestHash: _, seq: __, camAction: ___, ...shown } = record;
  const { requested, before, sent, status, approval, code, ...same } = shown;
  return {
    ...same,
    // The record keeps these three as the change service wrote them.
    requested: requested as MfaMethodsOfBoth,
    before: before as MfaBeforeImage,
    sent: sent as MfaMethodsOfBoth,
    status: toUpperCase(status),
    approval: approval && toApproval(approval),
    code: isCamErrorCode(code) ? code : undefined,
  };
}

function toApproval({ expiresAt, decision }: ChangeApproval): MfaChangeApproval {
  if (decision === undefined) return { expiresAt };
  const { kind, by, at, reason, gatewayRequestId } = decision;
  return { expiresAt, decision: toUpperCase(kind), decidedBy: by, decidedAt: at, reason, gatewayRequestId };
}

/** Returns a recorded value as a value of the schema's enum. The record has them in lower case. */
function toUpperCase<Value extends string>(value: Value): Uppercase<Value> {
  return value.toUpperCase() as Uppercase<Value>;
}
