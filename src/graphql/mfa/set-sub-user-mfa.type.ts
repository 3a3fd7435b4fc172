import { createUnionType, Field, ObjectType, registerEnumType } from "type-graphql";
import { CamFailure } from "../cam-error/cam-failure.type.ts";
import { SubUser } from "../sub-user/sub-user.type.ts";

export const ChangeResolution = { REPLY: "REPLY", READ_BACK: "READ_BACK" } as const;

registerEnumType(ChangeResolution, {
  name: "ChangeResolution",
  description: "How it is known that a change took effect.",
  valuesConfig: {
    REPLY: { description: "CAM said so." },
    READ_BACK: { description: "CAM's reply was lost, and reading the user showed the change." },
  },
});

@ObjectType({ description: "A change that took effect." })
export class SetSubUserMfaPayload {
  @Field(() => String, {
    description:
      "CAM's RequestId of the call that showed the change to be in force: SetMfaFlag, or with resolvedBy " +
      "READ_BACK the reading that followed. CAM's support asks for it.",
  })
  requestId!: string;

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
