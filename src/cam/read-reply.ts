import { z } from "zod";
import type { CamAction } from "./actions/cam-action.ts";
import { CamError } from "./errors/cam-error.ts";
import { parseExactJson } from "./transport/exact-json.ts";
import type { TransportReply } from "./transport/http-transport.ts";

export interface CamResult<Output> {
  readonly output: Output;
  /** CAM's RequestId. */
  readonly camRequestId: string;
}

const envelope = z.object({
  Response: z.looseObject({
    RequestId: z.string().optional(),
    Error: z.object({ Code: z.string(), Message: z.string().optional() }).optional(),
  }),
});

/**
 * Reads one reply: the API 3.0 envelope `{"Response":{…,"RequestId"}}`. CAM sends refusals with HTTP 200 too. Accepts
 * an envelope with an error at any status. Any other body with another status than 200 is not from CAM.
 *
 * @throws CamError REFUSED with CAM's code, or BAD_RESPONSE.
 */
export function readReply<Output>(
  action: CamAction<never, Output>,
  reply: TransportReply,
  attempts: number,
): CamResult<Output> {
  const facts = {
    action: action.name,
    attempts,
    ...(reply.status === 200 ? {} : { httpStatus: reply.status }),
  };
  const bad = (detail: string, more: { camRequestId?: string; cause?: unknown } = {}) =>
    new CamError({ kind: "BAD_RESPONSE", detail, ...facts, ...more });

  if (!/^application\/json\s*(;|$)/i.test(reply.contentType)) {
    throw bad(`not application/json but ${mediaTypeOf(reply.contentType)}`);
  }
  let json: unknown;
  try {
    json = parseExactJson(reply.body);
  } catch {
    // Drops the parser's error, because it quotes the text, and a reply of STS contains a key.
    throw bad("not JSON");
  }
  const parsed = envelope.safeParse(json);
  if (!parsed.success) throw bad("no API 3.0 envelope", { cause: parsed.error });
  const { Response: response } = parsed.data;
  const { RequestId: camRequestId, Error: refusal } = response;
  if (refusal !== undefined) {
    const { Code: camCode, Message: camMessage } = refusal;
    throw new CamError({ kind: "REFUSED", camCode, camMessage, camRequestId, ...facts });
  }
  if (reply.status !== 200) throw bad("another HTTP status than 200");
  if (camRequestId === undefined) throw bad("no RequestId");
  try {
    return { output: action.parse(response), camRequestId };
  } catch (cause) {
    throw bad("a field that the action promises is missing or malformed", { camRequestId, cause });
  }
}

/** Returns the media type alone, which is safe to log. */
function mediaTypeOf(contentType: string): string {
  return /^[\w.+-]{1,40}\/[\w.+-]{1,40}(?=\s*(;|$))/.exec(contentType)?.[0] ?? "no media type";
}
