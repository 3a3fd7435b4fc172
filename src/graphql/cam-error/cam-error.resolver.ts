import { Field, ObjectType, Query, Resolver } from "type-graphql";
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

  @Field(() => String, { description: "A text for people that says what happened." })
  message!: string;

  @Field(() => String, { description: "A text for people that says what they can do." })
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
