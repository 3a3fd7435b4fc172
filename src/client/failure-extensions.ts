import {
  type CamAnswer,
  type CamErrorExtensions,
  createCamErrorExtensions,
  isCamErrorCode,
} from "../contract/index.ts";

/**
 * What a CamFailure would be as extensions, or undefined for anything else. `code` and `requestId` have to be
 * selected: together they tell a CamFailure from other types where `__typename` is not selected.
 */
export function failureExtensions(value: Readonly<Record<string, unknown>>): CamErrorExtensions | undefined {
  const { __typename = "CamFailure", code, requestId, retryAfterMs, changeId, expiresAt } = value;
  if (__typename !== "CamFailure" || !isCamErrorCode(code) || typeof requestId !== "string") return undefined;
  return createCamErrorExtensions(code, {
    requestId,
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
    changeId: typeof changeId === "string" ? changeId : undefined,
    expiresAt: typeof expiresAt === "string" ? expiresAt : undefined,
    cam: answerOf(value),
  });
}

function answerOf({
  camCode: code,
  camAction: action,
  camRequestId: requestId,
}: Readonly<Record<string, unknown>>): CamAnswer | undefined {
  if (typeof code !== "string" || typeof action !== "string" || typeof requestId !== "string")
    return undefined;
  return { code, action, requestId };
}
