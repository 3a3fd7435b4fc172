import { businessErrors } from "./catalogue/business.ts";
import { camAccessErrors } from "./catalogue/cam-access.ts";
import { camInterfaceErrors } from "./catalogue/cam-interface.ts";
import { camRequestErrors } from "./catalogue/cam-request.ts";
import { camServiceErrors } from "./catalogue/cam-service.ts";
import type { CamErrorCategory } from "./catalogue/categories.ts";
import { connectionErrors } from "./catalogue/connection.ts";
import { guardRails } from "./catalogue/guard-rails.ts";
import { refusals } from "./catalogue/refusals.ts";

/** Codes that an answer of the vendor leads to. */
const answers = [
  ...businessErrors,
  ...camServiceErrors,
  ...camRequestErrors,
  ...camAccessErrors,
  ...camInterfaceErrors,
] as const;

/** Codes that the gateway gives without an answer of the vendor. */
const own = [...refusals, ...guardRails, ...connectionErrors] as const;

/** Every code that a caller can meet. */
export type CamErrorCode = (typeof answers)[number]["code"] | GatewayErrorCode;

/** The codes that are ours to raise; all others can only come from the vendor's answer. */
export type GatewayErrorCode = (typeof own)[number]["code"];

/** One row of the catalogue, with texts that may be shown to a person. */
export interface CamErrorInfo {
  readonly code: CamErrorCode;
  readonly category: CamErrorCategory;
  /** True where the same request may succeed later although nobody changed anything. */
  readonly retryable: boolean;
  /** What happened: one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
  /** The vendor's codes that lead here. Each covers its sub-codes too, except those that another row names. */
  readonly camCodes: readonly string[];
}

/** Every error of the gateway, in the order of the documentation. */
export const CAM_ERROR_CATALOGUE: readonly CamErrorInfo[] = [...answers, ...own];

const infoByCode = new Map<string, CamErrorInfo>(CAM_ERROR_CATALOGUE.map((info) => [info.code, info]));

/** Whether a value is one of our codes. It needs nothing else, so it also serves where a router left only the code. */
export function isCamErrorCode(value: unknown): value is CamErrorCode {
  return typeof value === "string" && infoByCode.has(value);
}

/** The catalogue's row for a code. Throws a TypeError for what is not a code; ask isCamErrorCode first. */
export function describeCamError(code: CamErrorCode): CamErrorInfo {
  const info = infoByCode.get(code);
  if (info === undefined) throw new TypeError("Not a code of the error catalogue.");
  return info;
}
