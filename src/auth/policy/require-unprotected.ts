import { GatewayError, type Uin } from "../../contract/index.ts";
import type { Caller } from "../caller.ts";
import type { Policy } from "./policy.ts";
import { isInSome } from "./uin-range.ts";

/** What protects a user from being changed. */
export interface UserProtection {
  /** The key's own user and the account itself: nobody changes them, or the gateway could lock itself out. */
  readonly isOwn: boolean;
  readonly protectedUsers: Policy["protectedUsers"];
}

/**
 * @throws GatewayError PROTECTED_USER for the gateway's own user, and for one of the list unless the caller may
 *   override it; REASON_REQUIRED where that caller says no reason.
 */
export function requireUnprotected(
  opUin: Uin,
  { isOwn, protectedUsers }: UserProtection,
  caller: Caller,
  reason: string | undefined,
): void {
  if (isOwn) throw new GatewayError("PROTECTED_USER", { opUin });
  if (!isInSome(protectedUsers, opUin)) return;
  if (!caller.scopes.has("cam.mfa:override")) throw new GatewayError("PROTECTED_USER", { opUin });
  if (reason === undefined) {
    throw new GatewayError("REASON_REQUIRED", { opUin, hint: "It overrides the protection of this user." });
  }
}
