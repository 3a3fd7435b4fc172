import { randomUUID } from "node:crypto";
import { LOCAL_CALLER } from "../../src/auth/caller.ts";
import type { NewRollout } from "../../src/rollouts/rollout-store.ts";

/** Returns a rollout that switches login protection by SMS on for all users of the default account. */
export function newRollout(more: Partial<NewRollout> = {}): NewRollout {
  return {
    name: "Everybody by SMS",
    reason: "Policy 7",
    input: {
      selection: { accounts: ["default"], filter: {}, opUins: undefined },
      desired: { login: { phone: true } },
      maxFailures: { count: 0 },
      waves: [],
      window: undefined,
      includeAtRisk: false,
    },
    accounts: ["default"],
    undoOf: undefined,
    caller: LOCAL_CALLER,
    requestId: randomUUID(),
    ...more,
  };
}
