import { type CamErrorCode, describeCamError, isCamErrorCode } from "./catalogue.ts";
import type { CamErrorExtensions, CamErrorExtensionsByCode } from "./error-extensions.generated.ts";
import type { CamErrorFacts } from "./facts.ts";

/** The vendor counts in windows of one second, so this is a fair guess where nothing better is known. */
const DEFAULT_RETRY_AFTER_MS = 1_000;
/** GraphQL's Int, in which `CamFailure.retryAfterMs` travels, ends here. */
const MAX_RETRY_AFTER_MS = 2_147_483_647;

type OrUndefined<T> = { [K in keyof T]?: T[K] | undefined };

/** The facts as a producer has them: a fact that is undefined is left out. */
export type CamErrorFactsInput = { readonly requestId: string } & OrUndefined<
  Omit<CamErrorFacts, "requestId">
>;

/**
 * The extensions of one error, complete and valid against the published JSON Schema. `retryAfterMs` is rounded
 * up to a whole number, and a THROTTLED code without it gets one second.
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
  // The compiler cannot follow that code, category and retryable come from one row; a test covers every row.
  return extensions as unknown as CamErrorExtensionsByCode[Code];
}

/**
 * Whether a value is the extensions of one of our errors. Keys that a router adds, such as `serviceName`, do no
 * harm. A code that this version does not know gives false; its `category` may still be worth a look.
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
