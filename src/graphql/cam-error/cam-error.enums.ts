import { registerEnumType } from "type-graphql";
import {
  CAM_ERROR_CATEGORIES,
  CAM_ERROR_CATEGORY_DESCRIPTIONS,
  CAM_ERROR_CODE_DESCRIPTIONS,
  CAM_ERROR_CODES,
} from "../../contract/index.ts";

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

export { CAM_ERROR_CATEGORIES as CamErrorCategoryEnum, CAM_ERROR_CODES as CamErrorCodeEnum };
