import { Field, ObjectType } from "type-graphql";
import type { CamErrorCategory, CamErrorCode } from "../../contract/index.ts";
import { CamCalls } from "../cam-calls.ts";
import { CamErrorCategoryEnum, CamErrorCodeEnum } from "./cam-error.enums.ts";

@CamCalls(0)
@ObjectType({ description: "A row of the error catalogue." })
export class CamErrorInfo {
  @Field(() => CamErrorCodeEnum, { description: "What happened." })
  code!: CamErrorCode;

  @Field(() => CamErrorCategoryEnum, { description: "What kind of error it is." })
  category!: CamErrorCategory;

  @Field(() => Boolean, {
    description: "Whether the same request can succeed later without anybody mending anything.",
  })
  retryable!: boolean;

  @Field(() => String, { description: "What a person is told." })
  message!: string;

  @Field(() => String, { description: "What to do about it." })
  remedy!: string;

  @Field(() => [String], {
    description: "The codes of CAM that become this one, exact or as the part before a dot.",
  })
  camCodes!: readonly string[];
}
