import {
  ACCESS_ERRORS,
  INTERFACE_ERRORS,
  REQUEST_ERRORS,
  SERVICE_ERRORS,
  USER_ERRORS,
} from "./catalogue/cam-answers.ts";
import type { CamErrorCategory, CatalogueRows } from "./catalogue/entry.ts";
import { CONNECTION_ERRORS, GUARD_RAILS, REFUSALS, ROLLOUT_REFUSALS } from "./catalogue/gateway-codes.ts";

const CAM_ROWS = {
  ...USER_ERRORS,
  ...SERVICE_ERRORS,
  ...REQUEST_ERRORS,
  ...ACCESS_ERRORS,
  ...INTERFACE_ERRORS,
};
const GATEWAY_ROWS = { ...REFUSALS, ...GUARD_RAILS, ...ROLLOUT_REFUSALS, ...CONNECTION_ERRORS };
const ROWS = { ...CAM_ROWS, ...GATEWAY_ROWS };

/** Every code that a caller can meet. */
export type CamErrorCode = keyof typeof ROWS;

/** The codes that the gateway may raise itself. Every other code comes from an answer of CAM. */
export type GatewayErrorCode = keyof typeof GATEWAY_ROWS;

/** The literal types of one row. */
export type CatalogueRow<Code extends CamErrorCode> = (typeof ROWS)[Code];

/** One row of the catalogue. All texts are safe to show to a person. */
export interface CamErrorInfo {
  readonly code: CamErrorCode;
  readonly category: CamErrorCategory;
  /** True if the same request can succeed later without any change. */
  readonly retryable: boolean;
  /** One sentence about the failure. */
  readonly message: string;
  /** The next step for the reader. */
  readonly remedy: string;
  /** The CAM codes that map to this code. Each covers its sub-codes, except those that another row names. */
  readonly camCodes: readonly string[];
}

/** Every error of the gateway, in the order of the documentation. */
export const CAM_ERROR_CATALOGUE: readonly CamErrorInfo[] = Object.entries<CatalogueRows[string]>(ROWS).map(
  ([code, { category, retryable = false, message, remedy, camCodes = [] }]) => ({
    code: code as CamErrorCode,
    category,
    retryable,
    message,
    remedy,
    camCodes,
  }),
);

const infoByCode = new Map<string, CamErrorInfo>(CAM_ERROR_CATALOGUE.map((info) => [info.code, info]));

/** Returns whether a value is a code of the catalogue. Needs only the code, because some routers keep nothing else. */
export function isCamErrorCode(value: unknown): value is CamErrorCode {
  return typeof value === "string" && infoByCode.has(value);
}

/** Returns the row of a code. @throws TypeError for a value that isCamErrorCode refuses. */
export function describeCamError(code: CamErrorCode): CamErrorInfo {
  const info = infoByCode.get(code);
  if (info === undefined) throw new TypeError("Not a code of the error catalogue.");
  return info;
}

const codeByCamCode = new Map<string, CamErrorCode>(
  CAM_ERROR_CATALOGUE.flatMap(({ code, camCodes }) => camCodes.map((camCode) => [camCode, code] as const)),
);

const longestCamCode = Math.max(...Array.from(codeByCamCode.keys(), (camCode) => camCode.length));

/**
 * Returns the gateway's code for a CAM code. Maps an unlisted sub-code by its longest listed prefix, because CAM keeps
 * adding sub-codes. Returns CAM_UNKNOWN_ERROR for all others. Ignores CAM's message, because it changes with language
 * and time.
 */
export function codeForCamCode(camCode: string): CamErrorCode {
  // A text longer than the longest known code cannot match, so a hostile text takes no longer than a short one.
  let end = camCode.length <= longestCamCode ? camCode.length : camCode.lastIndexOf(".", longestCamCode);
  for (; end > 0; end = camCode.lastIndexOf(".", end - 1)) {
    const code = codeByCamCode.get(camCode.slice(0, end));
    if (code !== undefined) return code;
  }
  return "CAM_UNKNOWN_ERROR";
}

/** The schema's description of each code: message, remedy, and the facts that a router may have removed. */
export const CAM_ERROR_CODE_DESCRIPTIONS = Object.fromEntries(
  CAM_ERROR_CATALOGUE.map((info) => [info.code, describe(info)]),
) as Readonly<Record<CamErrorCode, string>>;

function describe({ category, retryable, message, remedy, camCodes }: CamErrorInfo): string {
  const facts = [`Category ${category}`, retryable ? "retryable" : "not retryable"];
  if (camCodes.length > 0) facts.push(`from ${camCodes.join(", ")}`);
  return `${message} ${remedy} (${facts.join("; ")}.)`;
}
