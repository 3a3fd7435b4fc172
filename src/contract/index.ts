/**
 * The contract between the gateway and every consumer of its errors: codes, categories, the shape of
 * `errors[].extensions`, and the id of a user. It imports nothing, so that a browser can load it. Start with
 * catalogue.ts; docs/errors.md shows it.
 */

export { CAM_ERROR_CATEGORY_DESCRIPTIONS, type CamErrorCategory } from "./catalogue/entry.ts";
export {
  CAM_ERROR_CATALOGUE,
  CAM_ERROR_CODE_DESCRIPTIONS,
  type CamErrorCode,
  type CamErrorInfo,
  codeForCamCode,
  describeCamError,
  type GatewayErrorCode,
  isCamErrorCode,
} from "./catalogue.ts";
export {
  CAM_ERROR_EXTENSION_KEYS,
  type CamAnswer,
  type CamErrorExtensionKey,
  type CamErrorExtensions,
  type CamErrorExtensionsByCode,
  type CamErrorFacts,
  createCamErrorExtensions,
  isCamErrorExtensions,
} from "./extensions.ts";
export { GatewayError, type GatewayErrorOptions } from "./gateway-error.ts";
export { explainUin, isUin, parseUin, type Uin } from "./uin.ts";
