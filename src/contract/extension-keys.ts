import type { CamErrorCode } from "./catalogue.ts";
import type { CamErrorExtensionsByCode } from "./error-extensions.generated.ts";

export type CamErrorExtensionKey = keyof CamErrorExtensionsByCode[CamErrorCode];

/** An object, so that the compiler misses no key. */
const KEYS: Readonly<Record<CamErrorExtensionKey, true>> = {
  code: true,
  category: true,
  retryable: true,
  retryAfterMs: true,
  requestId: true,
  changeId: true,
  expiresAt: true,
  opUin: true,
  cam: true,
};

/** Every key that `errors[].extensions` can have: what a router has to let through. */
export const CAM_ERROR_EXTENSION_KEYS = Object.keys(KEYS) as readonly CamErrorExtensionKey[];
