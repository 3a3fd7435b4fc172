import { describeCamError, type GatewayErrorCode } from "./catalogue.ts";
import type { CamAnswer } from "./extensions.ts";
import type { Uin } from "./uin.ts";

export interface GatewayErrorOptions {
  /** For the log alone; it never leaves the gateway. */
  readonly detail?: string | undefined;
  /**
   * A sentence for the caller, put behind the catalogue's message: which scope is missing, which method is in
   * the way. Build it only from our own words and from what the caller sent, never from the vendor's text.
   */
  readonly hint?: string | undefined;
  readonly opUin?: Uin | undefined;
  readonly changeId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** What the vendor said last. */
  readonly cam?: CamAnswer | undefined;
  readonly cause?: unknown;
}

/**
 * A refusal of our own: something that the gateway decided, as opposed to an answer of the vendor. Its message
 * is safe to show a person; `detail` and `cause` are not.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayErrorCode;
  readonly detail: string | undefined;
  readonly opUin: Uin | undefined;
  readonly changeId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly cam: CamAnswer | undefined;

  constructor(code: GatewayErrorCode, options: GatewayErrorOptions = {}) {
    const { message } = describeCamError(code);
    const { hint, detail, opUin, changeId, retryAfterMs, cam, cause } = options;
    super(hint ? `${message} ${hint}` : message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.detail = detail;
    this.opUin = opUin;
    this.changeId = changeId;
    this.retryAfterMs = retryAfterMs;
    this.cam = cam;
  }
}
