import { Field, GraphQLISODateTime, ID, Int, ObjectType } from "type-graphql";
import type { CamErrorCategory, CamErrorCode } from "../../contract/index.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCategoryEnum, CamErrorCodeEnum } from "../enums.ts";

@CamCalls(0)
@ObjectType({
  description: "A business error as data: the facts of `errors[].extensions`, which some routers strip.",
})
export class CamFailure {
  @Field(() => CamErrorCodeEnum, { description: "The code of the error, for programs to switch on." })
  code!: CamErrorCode;

  @Field(() => CamErrorCategoryEnum, { description: "The kind of the error." })
  category!: CamErrorCategory;

  @Field(() => String, { description: "One or two sentences that a program can show to a person." })
  message!: string;

  @Field(() => Boolean, {
    description: "Whether the same request can succeed later without any change.",
  })
  retryable!: boolean;

  @Field(() => Int, { nullable: true, description: "Milliseconds to wait before trying again." })
  retryAfterMs?: number | undefined;

  @Field(() => String, { nullable: true, description: "CAM's own error code. Null if CAM did not answer." })
  camCode?: string | undefined;

  @Field(() => String, { nullable: true, description: "The CAM action that answered." })
  camAction?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description: "CAM's RequestId of that answer. Tencent Cloud's support asks for it.",
  })
  camRequestId?: string | undefined;

  @Field(() => ID, {
    nullable: true,
    description: "The id of the change. Null if the gateway recorded no change.",
  })
  changeId?: string | undefined;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The end of the time for approval by another caller, with APPROVAL_REQUIRED.",
  })
  expiresAt?: Date | undefined;

  @Field(() => String, { description: "The gateway's id of the request, which its log lines carry." })
  requestId!: string;
}
