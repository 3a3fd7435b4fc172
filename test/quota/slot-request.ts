import type { SlotRequest } from "../../src/cam/index.ts";

/** A request for a slot, with a deadline in one minute. */
export function slotRequest(more: Partial<SlotRequest> = {}): SlotRequest {
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
