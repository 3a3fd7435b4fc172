import { z } from "zod";
import type { CamAction } from "./actions/cam-action.ts";
import { CamError } from "./errors/cam-error.ts";
import { parseExactJson } from "./transport/exact-json.ts";
import type { TransportReply } from "./transport/http-transport.ts";

export interface CamResult<Output> {
  readonly output: Output;
  /** CAM's RequestId. */
  readonly requestId: string;
}

const envelope = z.object({
  Response: z.looseObject({
    RequestId: z.string().optional(),
    Error: z.object({ Code: z.string(), Message: z.string().optional() }).optional(),
  }),
});

/**
 * Reads one reply: the API 3.0 envelope `{"Response":{…,"RequestId"}}`, which CAM sends with HTTP 200 for
 * refusals too. An envelope with an error is CAM's answer at any status. Anything else at another status than 200 came
 * from something in between.
 *
 * @throws CamError REFUSED with CAM's code, or BAD_RESPONSE.
 */
export function readReply<Output>(
  action: CamAction<never, Output>,
  reply: TransportReply,
  attempts: number,
): CamResult<Output> {
  const { status } = reply;
  const atStatus = status === 200 ? {} : { httpStatus: status };
  const bad = (detail: string, more: { requestId?: string; cause?: unknown } = {}) =>
    new CamError({ kind: "BAD_RESPONSE", action: action.name, attempts, detail, ...atStatus, ...more });

  if (!/^application\/json\s*(;|$)/i.test(reply.contentType)) {
    throw bad(`not application/json but ${mediaTypeOf(reply.contentType)}`);
  }
  let json: unknown;
  try {
    json = parseExactJson(reply.body);
  } catch {
    // Without its cause, which quotes what could not be read: in a reply of STS that may be a part of a key.
    throw bad("not JSON");
  }
  const parsed = envelope.safeParse(json);
  if (!parsed.success) throw bad("no API 3.0 envelope", { cause: parsed.error });
  const { Response: response } = parsed.data;
  const { RequestId: requestId, Error: refusal } = response;
  if (refusal !== undefined) {
    throw new CamError({
      kind: "REFUSED",
      action: action.name,
      attempts,
      camCode: refusal.Code,
      ...atStatus,
      ...(refusal.Message === undefined ? {} : { camMessage: refusal.Message }),
      ...(requestId === undefined ? {} : { requestId }),
    });
  }
  if (status !== 200) throw bad("another HTTP status than 200");
  if (requestId === undefined) throw bad("no RequestId");
  try {
    return { output: action.parse(response), requestId };
  } catch (cause) {
    throw bad("a field that the action promises is missing or malformed", { requestId, cause });
  }
}

/** The media type alone, which is safe to log. */
function mediaTypeOf(contentType: string): string {
  return /^[\w.+-]{1,40}\/[\w.+-]{1,40}(?=\s*(;|$))/.exec(contentType)?.[0] ?? "no media type";
}
