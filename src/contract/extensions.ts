import { type CamErrorCode, type CatalogueRow, describeCamError, isCamErrorCode } from "./catalogue.ts";

/** CAM's answer. CAM's support needs these values. */
export interface CamAnswer {
  /** CAM's own code, for example `FailedOperation.UserNotBindPhone`. */
  readonly code: string;
  /** The CAM action that answered, for example `SetMfaFlag`. */
  readonly action: string;
  /** CAM's id of that call. */
  readonly requestId: string;
}

/** The parts of `errors[].extensions` other than code, category and retryable. */
export interface CamErrorFacts {
  /** The gateway's id of the request, which its log lines carry. */
  readonly requestId: string;
  /** Milliseconds to wait before the next try. Always present in the category THROTTLED. */
  readonly retryAfterMs?: number;
  /** The id of the recorded change that the error is about. */
  readonly changeId?: string;
  /** The end of the time in which another caller can approve the change, with APPROVAL_REQUIRED: ISO 8601, in UTC. */
  readonly expiresAt?: string;
  /** The user that the error is about: a decimal string. */
  readonly opUin?: string;
  /** Missing if the gateway did not call CAM, or CAM did not answer. */
  readonly cam?: CamAnswer;
}

/** The shape of `errors[].extensions`, by code. */
export type CamErrorExtensionsByCode = {
  readonly [Code in CamErrorCode]: CamErrorFacts & {
    readonly code: Code;
    readonly category: CatalogueRow<Code>["category"];
    readonly retryable: CatalogueRow<Code> extends { readonly retryable: true } ? true : false;
  } & (CatalogueRow<Code>["category"] extends "THROTTLED" ? { readonly retryAfterMs: number } : unknown);
};

/** `errors[].extensions` of any error of the gateway: a union that `code` discriminates. */
export type CamErrorExtensions = CamErrorExtensionsByCode[CamErrorCode];

export type CamErrorExtensionKey = keyof CamErrorExtensions;

/** Every key of `errors[].extensions`, which a router has to forward. The compiler checks that none is missing. */
export const CAM_ERROR_EXTENSION_KEYS = Object.keys({
  code: true,
  category: true,
  retryable: true,
  retryAfterMs: true,
  requestId: true,
  changeId: true,
  expiresAt: true,
  opUin: true,
  cam: true,
} satisfies Record<CamErrorExtensionKey, true>) as readonly CamErrorExtensionKey[];

/** CAM counts calls in windows of one second. */
const DEFAULT_RETRY_AFTER_MS = 1_000;
/** The largest value of GraphQL's Int, the type of `CamFailure.retryAfterMs`. */
const MAX_RETRY_AFTER_MS = 2_147_483_647;

type OrUndefined<T> = { [K in keyof T]?: T[K] | undefined };

/** The facts to put into the extensions. An undefined fact is omitted. */
type CamErrorFactsInput = { readonly requestId: string } & OrUndefined<Omit<CamErrorFacts, "requestId">>;

/**
 * Returns the extensions of one error, complete and valid against the published JSON Schema. Rounds `retryAfterMs` up
 * to a whole number. Sets it to one second for a THROTTLED code without it.
 */
export function createCamErrorExtensions<Code extends CamErrorCode>(
  code: Code,
  facts: CamErrorFactsInput,
): CamErrorExtensionsByCode[Code] {
  const { category, retryable } = describeCamError(code);
  const { requestId, changeId, expiresAt, opUin, cam } = facts;
  const retryAfterMs = wholeMs(
    facts.retryAfterMs ?? (category === "THROTTLED" ? DEFAULT_RETRY_AFTER_MS : undefined),
  );
  const extensions = {
    code,
    category,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    requestId,
    ...(changeId === undefined ? {} : { changeId }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(opUin === undefined ? {} : { opUin }),
    ...(cam === undefined ? {} : { cam: { code: cam.code, action: cam.action, requestId: cam.requestId } }),
  };
  // The compiler does not see that code, category and retryable come from one row. A test covers every row.
  return extensions as unknown as CamErrorExtensionsByCode[Code];
}

/**
 * Returns whether a value is the extensions of an error of the gateway. Keys that a router adds, such as `serviceName`,
 * are ignored. Returns false for a code of a later version, although its `category` may still help.
 */
export function isCamErrorExtensions(value: unknown): value is CamErrorExtensions {
  if (!isRecord(value)) return false;
  const { code, category, retryable, requestId, retryAfterMs, changeId, expiresAt, opUin, cam } = value;
  if (!isCamErrorCode(code)) return false;
  const info = describeCamError(code);
  return (
    category === info.category &&
    retryable === info.retryable &&
    typeof requestId === "string" &&
    isOptional(changeId, "string") &&
    isOptional(expiresAt, "string") &&
    isOptional(opUin, "string") &&
    isOptional(retryAfterMs, "number") &&
    (category !== "THROTTLED" || retryAfterMs !== undefined) &&
    (cam === undefined || isCamAnswer(cam))
  );
}

function isCamAnswer(value: unknown): boolean {
  return isRecord(value) && ["code", "action", "requestId"].every((key) => typeof value[key] === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isOptional(value: unknown, type: "string" | "number"): boolean {
  return value === undefined || typeof value === type;
}

function wholeMs(ms: number | undefined): number | undefined {
  if (ms === undefined) return undefined;
  return Number.isNaN(ms) ? DEFAULT_RETRY_AFTER_MS : Math.min(Math.max(0, Math.ceil(ms)), MAX_RETRY_AFTER_MS);
}
