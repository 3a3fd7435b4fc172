import type { RateRequest } from "../../src/cam/index.ts";

/** A request for a slot, with a deadline in one minute. */
export function rateRequest(more: Partial<RateRequest> = {}): RateRequest {
  return {
    action: "SetMfaFlag",
    secretId: "AKIDTEST",
    access: "write",
    caller: "somebody",
    priority: "interactive",
    deadlineMs: 60_000,
    ...more,
  };
}
