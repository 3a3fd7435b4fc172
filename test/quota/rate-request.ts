import type { RateRequest } from "../../src/cam/index.ts";

/** What a caller asks of a budget, with a minute to wait. */
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
