import { GatewayError } from "../contract/index.ts";

/** The refusal of a call whose slot comes too late, with the wait until that slot. */
export function exhausted(waitMs: number): GatewayError {
  return new GatewayError("QUOTA_EXHAUSTED", { retryAfterMs: Math.max(1, Math.ceil(waitMs)) });
}
