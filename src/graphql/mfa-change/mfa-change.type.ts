import { Field, GraphQLISODateTime, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import type { ChangeApproval, ChangeRecord, ChangeStatus } from "../../audit/change-record.ts";
import { CAM_ERROR_CODES, type CamErrorCode, isCamErrorCode, type Uin } from "../../contract/index.ts";
import { UinScalar } from "../arguments.ts";
import { CamCalls } from "../directives.ts";
import { LoginActionFlag, MfaSource } from "../mfa/mfa-flag.type.ts";

export const ChangeResolution = { REPLY: "REPLY", READ_BACK: "READ_BACK" } as const;

registerEnumType(ChangeResolution, {
  name: "ChangeResolution",
  description: "How the gateway knows the outcome of a change.",
  valuesConfig: {
    REPLY: { description: "CAM replied." },
    READ_BACK: { description: "CAM's reply was lost. The gateway read the user back." },
  },
});

export const MfaChangeStatus = {
  AWAITING_APPROVAL: "AWAITING_APPROVAL",
  PENDING: "PENDING",
  APPLIED: "APPLIED",
  REFUSED: "REFUSED",
  UNKNOWN: "UNKNOWN",
} as const;

registerEnumType(MfaChangeStatus, {
  name: "MfaChangeStatus",
  description: "What is known of a change.",
  valuesConfig: {
    AWAITING_APPROVAL: {
      description: "On record; nothing happens before another caller approves it by `approveMfaChange`.",
    },
    PENDING: { description: "On record; its outcome is to come." },
    APPLIED: { description: "In force." },
    REFUSED: { description: "Proven not to have been applied." },
    UNKNOWN: {
      description: "Nothing proves whether it was applied. The gateway reads the user again for a day.",
    },
  },
});

/** The record writes the same words in small letters. */
export function toRecordedStatus(status: keyof typeof MfaChangeStatus): ChangeStatus {
  return status.toLowerCase() as Lowercase<typeof status>;
}

function fromRecordedStatus(status: ChangeStatus): keyof typeof MfaChangeStatus {
  return status.toUpperCase() as Uppercase<typeof status>;
}

@CamCalls(0)
@ObjectType({ description: "A caller as the record names them." })
export class MfaChangeCaller {
  @Field(() => String, { description: "The caller; `local` in local mode." })
  subject!: string;

  @Field(() => String, { nullable: true, description: "The client that acted for the caller." })
  client?: string | undefined;

  @Field(() => String, { nullable: true, description: "Who vouched for the caller." })
  issuer?: string | undefined;
}

const MfaChangeDecision = {
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
class MfaChangeApproval {
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

@CamCalls(0)
@ObjectType({ description: "Which methods were to be switched, or sent: null means unchanged, or not sent." })
class MfaMethods {
  @Field(() => Boolean, { nullable: true, description: "A code by SMS." })
  phone?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: "A virtual MFA device." })
  stoken?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: "A scan by WeChat." })
  wechat?: boolean | undefined;
}

@CamCalls(0)
@ObjectType({ description: "The methods of both protections." })
class MfaMethodsOfBoth {
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
class MfaBeforeImage {
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

  @Field(() => CAM_ERROR_CODES, {
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

const DECISION = { approved: "APPROVED", rejected: "REJECTED", withdrawn: "WITHDRAWN" } as const;

/** A record in the shape of the schema. */
export function toMfaChange(record: ChangeRecord): MfaChange {
  const { requestHash: _, seq: __, camAction: ___, ...shown } = record;
  const { requested, before, sent, status, approval, code, ...same } = shown;
  return {
    ...same,
    // The change service wrote these three; the store only keeps them.
    requested: requested as MfaMethodsOfBoth,
    before: before as MfaBeforeImage,
    sent: sent as MfaMethodsOfBoth,
    status: fromRecordedStatus(status),
    approval: approval && toApproval(approval),
    code: isCamErrorCode(code) ? code : undefined,
  };
}

function toApproval({ expiresAt, decision }: ChangeApproval): MfaChangeApproval {
  if (decision === undefined) return { expiresAt };
  const { kind, by, at, reason, gatewayRequestId } = decision;
  return { expiresAt, decision: DECISION[kind], decidedBy: by, decidedAt: at, reason, gatewayRequestId };
}
