import { Field, GraphQLISODateTime, ID, Int, ObjectType, Query, Resolver } from "type-graphql";
import { CAM_ERROR_CATALOGUE, type CamErrorCategory, type CamErrorCode } from "../../contract/index.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCategoryEnum, CamErrorCodeEnum } from "../enums.ts";

@CamCalls(0)
@ObjectType({ description: "A row of the error catalogue." })
class CamErrorInfo {
  @Field(() => CamErrorCodeEnum, { description: "The code of the error." })
  code!: CamErrorCode;

  @Field(() => CamErrorCategoryEnum, { description: "The kind of the error." })
  category!: CamErrorCategory;

  @Field(() => Boolean, { description: "Whether the same request can succeed later without any change." })
  retryable!: boolean;

  @Field(() => String, { description: "One sentence about the failure, to show to a person." })
  message!: string;

  @Field(() => String, { description: "What the person can do about it, to show to a person." })
  remedy!: string;

  @Field(() => [String], {
    description: "The CAM codes that map to this code. Each also covers its sub-codes after a dot.",
  })
  camCodes!: readonly string[];
}

@Resolver()
export class CamErrorResolver {
  @Query(() => [CamErrorInfo], { description: "The catalogue of business errors, as data." })
  camErrors(): readonly CamErrorInfo[] {
    return CAM_ERROR_CATALOGUE;
  }
}

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
