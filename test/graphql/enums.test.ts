import "reflect-metadata";
import { expect, expectTypeOf, test } from "vitest";
import {
  CAM_ERROR_CATALOGUE,
  CAM_ERROR_CATEGORY_DESCRIPTIONS,
  type CamErrorCategory,
  type CamErrorCode,
} from "../../src/contract/index.ts";
import { CamErrorCategoryEnum, CamErrorCodeEnum } from "../../src/graphql/enums.ts";

test("an enum object has each value under its own name", () => {
  expect(Object.entries(CamErrorCodeEnum)).toEqual(CAM_ERROR_CATALOGUE.map(({ code }) => [code, code]));
  expect(Object.entries(CamErrorCategoryEnum)).toEqual(
    Object.keys(CAM_ERROR_CATEGORY_DESCRIPTIONS).map((category) => [category, category]),
  );
});

test("an enum object has the types of a TypeScript enum", () => {
  expectTypeOf<keyof typeof CamErrorCodeEnum>().toEqualTypeOf<CamErrorCode>();
  expectTypeOf(CamErrorCodeEnum.INTERNAL).toEqualTypeOf<"INTERNAL">();
  expectTypeOf<keyof typeof CamErrorCategoryEnum>().toEqualTypeOf<CamErrorCategory>();
});
