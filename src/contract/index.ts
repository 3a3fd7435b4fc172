/**
 * The contract between the gateway and everybody who meets its errors: codes, categories, the shape of
 * `errors[].extensions`, and the id of a user. It depends on nothing, so that a browser can load it.
 */

export { CAM_ERROR_CATEGORY_DESCRIPTIONS, type CamErrorCategory } from "./catalogue/categories.ts";
export {
  CAM_ERROR_CATALOGUE,
  type CamErrorCode,
  type CamErrorInfo,
  describeCamError,
  type GatewayErrorCode,
  isCamErrorCode,
} from "./catalogue.ts";
export { codeForCamCode } from "./code-for-cam-code.ts";
export { CAM_ERROR_CATEGORIES, CAM_ERROR_CODE_DESCRIPTIONS, CAM_ERROR_CODES } from "./enums.ts";
export type { CamErrorExtensions, CamErrorExtensionsByCode } from "./error-extensions.generated.ts";
export { explainUin } from "./explain-uin.ts";
export { CAM_ERROR_EXTENSION_KEYS, type CamErrorExtensionKey } from "./extension-keys.ts";
export { type CamErrorFactsInput, createCamErrorExtensions, isCamErrorExtensions } from "./extensions.ts";
export type { CamAnswer, CamErrorFacts } from "./facts.ts";
export { GatewayError, type GatewayErrorOptions } from "./gateway-error.ts";
export { isUin, parseUin, type Uin } from "./uin.ts";
