import { CAM_ERROR_CATEGORY_DESCRIPTIONS, type CamErrorCategory } from "./catalogue/categories.ts";
import { CAM_ERROR_CATALOGUE, type CamErrorCode, type CamErrorInfo } from "./catalogue.ts";

/** The codes as an object of the shape that a TypeScript enum has at run time: `{ INTERNAL: "INTERNAL", … }`. */
export const CAM_ERROR_CODES = mirror(CAM_ERROR_CATALOGUE.map(({ code }) => code));

/** The categories in the same shape. */
export const CAM_ERROR_CATEGORIES = mirror(
  Object.keys(CAM_ERROR_CATEGORY_DESCRIPTIONS) as CamErrorCategory[],
);

/** What the schema says about each code: message, remedy, and the facts that a router may have stripped. */
export const CAM_ERROR_CODE_DESCRIPTIONS = Object.fromEntries(
  CAM_ERROR_CATALOGUE.map((info) => [info.code, describe(info)]),
) as Readonly<Record<CamErrorCode, string>>;

function describe({ category, retryable, message, remedy, camCodes }: CamErrorInfo): string {
  const facts = [`Category ${category}`, retryable ? "retryable" : "not retryable"];
  if (camCodes.length > 0) facts.push(`from ${camCodes.join(", ")}`);
  return `${message} ${remedy} (${facts.join("; ")}.)`;
}

function mirror<Name extends string>(names: readonly Name[]): { readonly [N in Name]: N } {
  return Object.freeze(Object.fromEntries(names.map((name) => [name, name]))) as { readonly [N in Name]: N };
}
