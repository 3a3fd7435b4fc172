import { describeCamError, type GatewayErrorCode } from "./catalogue.ts";
import type { CamAnswer } from "./extensions.ts";
import type { Uin } from "./uin.ts";

export interface GatewayErrorOptions {
  /** The rule that refused, by its kind and its name in the policy: `policy no-sms`. For the record only. */
  readonly rule?: string | undefined;
  /**
   * A sentence for the caller, appended to the catalogue's message, such as the missing scope. Build it only from the
   * gateway's own words and the caller's input, never from CAM's text.
   */
  readonly hint?: string | undefined;
  readonly opUin?: Uin | undefined;
  readonly changeId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The last answer of CAM. */
  readonly cam?: CamAnswer | undefined;
  readonly cause?: unknown;
}

/**
 * A refusal by the gateway itself, as opposed to an error of CAM. Its message is safe to show to a person. Its
 * `cause` is not.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayErrorCode;
  readonly rule: string | undefined;
  readonly opUin: Uin | undefined;
  readonly changeId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly cam: CamAnswer | undefined;

  constructor(code: GatewayErrorCode, options: GatewayErrorOptions = {}) {
    const { message } = describeCamError(code);
    const { hint, rule, opUin, changeId, retryAfterMs, cam, cause } = options;
    super(hint ? `${message} ${hint}` : message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.rule = rule;
    this.opUin = opUin;
    this.changeId = changeId;
    this.retryAfterMs = retryAfterMs;
    this.cam = cam;
  }
}
