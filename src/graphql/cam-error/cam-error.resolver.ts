import { Field, ObjectType, Query, Resolver, registerEnumType } from "type-graphql";
import {
  CAM_ERROR_CATALOGUE,
  CAM_ERROR_CATEGORIES,
  CAM_ERROR_CATEGORY_DESCRIPTIONS,
  CAM_ERROR_CODE_DESCRIPTIONS,
  CAM_ERROR_CODES,
  type CamErrorCategory,
  type CamErrorCode,
} from "../../contract/index.ts";
import { CamCalls } from "../directives.ts";

/** The contract's codes and categories as schema enums, so that SDL and contract cannot differ. */
registerEnumType(CAM_ERROR_CODES, {
  name: "CamErrorCode",
  description:
    "Every code that `errors[].extensions.code` of a business error, and CamFailure.code, can have.",
  valuesConfig: withDescriptions(CAM_ERROR_CODE_DESCRIPTIONS),
});

registerEnumType(CAM_ERROR_CATEGORIES, {
  name: "CamErrorCategory",
  description: "What kind of error a code is, for callers that do not tell every code apart.",
  valuesConfig: withDescriptions(CAM_ERROR_CATEGORY_DESCRIPTIONS),
});

function withDescriptions<Name extends string>(
  descriptions: Readonly<Record<Name, string>>,
): { [N in Name]: { description: string } } {
  return Object.fromEntries(
    Object.entries<string>(descriptions).map(([name, description]) => [name, { description }]),
  ) as { [N in Name]: { description: string } };
}

@CamCalls(0)
@ObjectType({ description: "A row of the error catalogue." })
class CamErrorInfo {
  @Field(() => CAM_ERROR_CODES, { description: "What happened." })
  code!: CamErrorCode;

  @Field(() => CAM_ERROR_CATEGORIES, { description: "What kind of error it is." })
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

@Resolver()
export class CamErrorResolver {
  @Query(() => [CamErrorInfo], { description: "The catalogue of business errors, as data." })
  camErrors(): readonly CamErrorInfo[] {
    return CAM_ERROR_CATALOGUE;
  }
}
