import { registerEnumType } from "type-graphql";
import { CAM_ERROR_CATEGORY_DESCRIPTIONS, CAM_ERROR_CODE_DESCRIPTIONS } from "../contract/index.ts";

/** Registers an enum of the schema with a description of each value. Returns its values: `{ CAM: "CAM", … }`. */
export function registerEnum<Name extends string>(
  name: string,
  description: string,
  values: Readonly<Record<Name, string>>,
): { readonly [N in Name]: N } {
  const entries = Object.entries<string>(values);
  const mirrored = Object.fromEntries(entries.map(([value]) => [value, value])) as { [N in Name]: N };
  const valuesConfig = Object.fromEntries(entries.map(([value, text]) => [value, { description: text }]));
  registerEnumType<typeof mirrored>(mirrored, { name, description, valuesConfig: valuesConfig as never });
  return mirrored;
}

export const CamErrorCodeEnum = registerEnum(
  "CamErrorCode",
  "The codes of business errors, in `errors[].extensions.code` and in CamFailure.code.",
  CAM_ERROR_CODE_DESCRIPTIONS,
);

export const CamErrorCategoryEnum = registerEnum(
  "CamErrorCategory",
  "The kinds of business errors, for programs that do not handle every code.",
  CAM_ERROR_CATEGORY_DESCRIPTIONS,
);
