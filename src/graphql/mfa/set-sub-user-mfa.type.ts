import { createUnionType, Field, ObjectType } from "type-graphql";
import type { ChangeLog } from "../../audit/change-log.ts";
import type { MfaChangeOutcome } from "../../changes/mfa-change.ts";
import type { Uin } from "../../contract/index.ts";
import { CamFailure } from "../cam-error/cam-failure.type.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import type { Loaders } from "../loaders.ts";
import { ChangeResolution, MfaChange, toMfaChange } from "../mfa-change/mfa-change.type.ts";
import { lazySubUser, SubUser } from "../sub-user/sub-user.type.ts";

@CamCalls(0)
@ObjectType({ description: "A change that took effect." })
export class SetSubUserMfaPayload {
  @Field(() => String, { description: "The gateway's id of the request. Its log lines carry it." })
  requestId!: string;

  // Nullable as in CamFailure: one operation may select it in both members of the result. A payload always has a value.
  @Field(() => String, {
    nullable: true,
    description:
      "CAM's RequestId of the call that proved the change: SetMfaFlag, or the read that followed if resolvedBy is " +
      "READ_BACK. CAM's support asks for it. Never null in a change that took effect.",
  })
  camRequestId?: string | undefined;

  @RequiresScope("cam.audit:read")
  @Field(() => MfaChange, {
    nullable: true,
    description:
      "The record of the change. Null, with an error of its own, only if the gateway cannot read it now.",
  })
  change?: MfaChange | undefined | Promise<MfaChange | undefined>;

  @Field(() => ChangeResolution, { description: "The evidence that the change took effect." })
  resolvedBy!: keyof typeof ChangeResolution;

  @Field(() => SubUser, { description: "The user. The gateway reads `mfa` from CAM after the change." })
  subUser!: SubUser;
}

export const SetSubUserMfaResult = createUnionType({
  name: "SetSubUserMfaResult",
  description: "The result of a change: a change that took effect, or a business error as data.",
  types: () => [SetSubUserMfaPayload, CamFailure] as const,
  resolveType: (value) => ("code" in value ? CamFailure : SetSubUserMfaPayload),
});

/** A change in force. Reads its record and its user only if an operation selects them. */
export class AppliedChange implements SetSubUserMfaPayload {
  readonly requestId: string;
  readonly camRequestId: string;
  readonly resolvedBy: MfaChangeOutcome["resolvedBy"];
  readonly subUser: SubUser;
  readonly #changeId: string;
  readonly #log: Pick<ChangeLog, "find">;

  constructor(
    { changeId, resolvedBy, camRequestId }: MfaChangeOutcome,
    requestId: string,
    { opUin, loaders, log }: { opUin: Uin; loaders: Loaders; log: Pick<ChangeLog, "find"> },
  ) {
    this.requestId = requestId;
    this.camRequestId = camRequestId;
    this.resolvedBy = resolvedBy;
    this.subUser = lazySubUser(opUin, loaders);
    this.#changeId = changeId;
    this.#log = log;
  }

  get change(): Promise<MfaChange | undefined> {
    return this.#log.find(this.#changeId).then((record) => record && toMfaChange(record));
  }
}
