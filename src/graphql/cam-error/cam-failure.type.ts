import { Field, GraphQLISODateTime, ID, Int, ObjectType } from "type-graphql";
import type { CamErrorCategory, CamErrorCode } from "../../contract/index.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCategoryEnum, CamErrorCodeEnum } from "../enums.ts";

@CamCalls(0)
@ObjectType({
  description: "A business error as data: the facts of `errors[].extensions`, which some routers strip.",
})
export class CamFailure {
  @Field(() => CamErrorCodeEnum, { description: "What happened. Switch on this." })
  code!: CamErrorCode;

  @Field(() => CamErrorCategoryEnum, { description: "What kind of error it is." })
  category!: CamErrorCategory;

  @Field(() => String, { description: "One or two sentences that are safe to show a person." })
  message!: string;

  @Field(() => Boolean, {
    description: "Whether the same request can succeed later without anybody mending anything.",
  })
  retryable!: boolean;

  @Field(() => Int, { nullable: true, description: "Milliseconds to wait before trying again." })
  retryAfterMs?: number | undefined;

  @Field(() => String, { nullable: true, description: "CAM's own error code, where CAM answered." })
  camCode?: string | undefined;

  @Field(() => String, { nullable: true, description: "The action of CAM that answered." })
  camAction?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description: "CAM's RequestId of that answer. Its support asks for it.",
  })
  camRequestId?: string | undefined;

  @Field(() => ID, { nullable: true, description: "The record of the change, where it was put on record." })
  changeId?: string | undefined;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "Until when another caller can approve the change, with APPROVAL_REQUIRED.",
  })
  expiresAt?: Date | undefined;

  @Field(() => String, { description: "The gateway's id of the request, which its log lines carry." })
  requestId!: string;
}
