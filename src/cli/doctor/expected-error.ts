import {
  type CamErrorCode,
  type CamErrorExtensionKey,
  describeCamError,
  isCamErrorCode,
} from "../../contract/index.ts";
import { PROBED_USER } from "./probe-operation.ts";

/** What the gateway sends for a probe. Of `requestId` any will do. */
export interface ExpectedError {
  readonly message: string;
  readonly extensions: Readonly<Partial<Record<CamErrorExtensionKey, unknown>>>;
}

/** By the contract, a probe is refused with this code. */
export function expectedError(code: CamErrorCode): ExpectedError {
  const { message, category, retryable } = describeCamError(code);
  const always = { code, category, retryable, requestId: "" };
  return { message, extensions: code === "NOTHING_TO_CHANGE" ? { ...always, opUin: PROBED_USER } : always };
}

/** The code that the gateway gave, where one of these is a code of its; it may have refused the caller before. */
export function givenCode(...candidates: readonly unknown[]): CamErrorCode {
  return candidates.find(isCamErrorCode) ?? "NOTHING_TO_CHANGE";
}
