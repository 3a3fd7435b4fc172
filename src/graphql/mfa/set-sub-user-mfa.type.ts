import { createUnionType, Field, ObjectType } from "type-graphql";
import { CamFailure } from "../cam-error/cam-failure.type.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { MfaChange } from "../mfa-change/mfa-change.type.ts";
import { SubUser } from "../sub-user/sub-user.type.ts";
import { ChangeResolution } from "./change-resolution.enum.ts";

@CamCalls(0)
@ObjectType({ description: "A change that took effect." })
export class SetSubUserMfaPayload {
  @Field(() => String, {
    description:
      "CAM's RequestId of the call that showed the change to be in force: SetMfaFlag, or with resolvedBy " +
      "READ_BACK the reading that followed. CAM's support asks for it.",
  })
  requestId!: string;

  @RequiresScope("cam.audit:read")
  @Field(() => MfaChange, {
    nullable: true,
    description:
      "The record of the change. Null, with an error of its own, only where it cannot be read just now.",
  })
  change?: MfaChange | undefined | Promise<MfaChange | undefined>;

  @Field(() => ChangeResolution, { description: "How it is known that the change took effect." })
  resolvedBy!: keyof typeof ChangeResolution;

  @Field(() => SubUser, { description: "The user; `mfa` is read from CAM after the change." })
  subUser!: SubUser;
}

export const SetSubUserMfaResult = createUnionType({
  name: "SetSubUserMfaResult",
  description: "What became of a change: it took effect, or a business error as data.",
  types: () => [SetSubUserMfaPayload, CamFailure] as const,
  resolveType: (value) => ("code" in value ? CamFailure : SetSubUserMfaPayload),
});
