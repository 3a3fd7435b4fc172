import { GatewayError, type Uin } from "../../contract/index.ts";
import type { Caller } from "../caller.ts";
import type { Scope } from "../scope.ts";
import type { Policy } from "./policy.ts";
import { isInSome } from "./uin-range.ts";

/** Whoever has it may change protected users, for a reason. */
export const OVERRIDE: Scope = "cam.mfa:override";

/**
 * @throws GatewayError PROTECTED_USER for a user of the list, unless the caller may override that; REASON_REQUIRED where
 *   that caller gives no reason.
 */
export function requireUnprotected(
  opUin: Uin,
  protectedUsers: Policy["protectedUsers"],
  caller: Caller,
  reason: string | undefined,
): void {
  if (!isInSome(protectedUsers, opUin)) return;
  if (!caller.scopes.has(OVERRIDE)) {
    throw new GatewayError("PROTECTED_USER", {
      opUin,
      hint: `It needs the scope ${OVERRIDE}, and a reason.`,
    });
  }
  if (reason === undefined) {
    throw new GatewayError("REASON_REQUIRED", { opUin, hint: "It overrides the protection of this user." });
  }
}
