import {
  type CamErrorExtensions,
  createCamErrorExtensions,
  isCamErrorCode,
  isCamErrorExtensions,
} from "../contract/index.ts";
import { isRecord } from "./is-record.ts";

/** Codes that other services use too: without the rest of the extensions they prove nothing. */
const COMMON_WORDS: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "FORBIDDEN", "INTERNAL"]);

/**
 * The extensions of a business error, or undefined. Some routers leave nothing but the code; the catalogue then
 * supplies category, `retryable` and a waiting time, and `requestId` is empty.
 */
export function readExtensions(extensions: unknown): CamErrorExtensions | undefined {
  if (isCamErrorExtensions(extensions)) return extensions;
  if (!isRecord(extensions)) return undefined;
  const { code, requestId } = extensions;
  if (!isCamErrorCode(code) || COMMON_WORDS.has(code)) return undefined;
  return createCamErrorExtensions(code, { requestId: typeof requestId === "string" ? requestId : "" });
}
