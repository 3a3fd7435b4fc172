import type { Protection } from "../auth/policy/policy.ts";
import { type SafeAuthFlags, type SetMfaFlagInput, WRITABLE_METHODS } from "../cam/index.ts";
import type { MfaChangeRequest, MfaMethods } from "../changes/mfa-change.ts";
import type { Uin } from "../contract/index.ts";

/** The parts of an item that decide its change. */
interface PlannedChange {
  readonly opUin: Uin;
  readonly before: SafeAuthFlags;
  readonly sent: Pick<SetMfaFlagInput, "login" | "action">;
}

/**
 * Returns the request for an item's change, with only the methods that it switches. The policy decides about these.
 * ChangeService adds the other methods when it composes the flag sets.
 */
export function requestOfItem(
  { opUin, before, sent }: PlannedChange,
  account: string,
  reason: string,
): MfaChangeRequest {
  const switched = (protection: Protection): MfaMethods | undefined => {
    const flagSet = sent[protection];
    if (flagSet === undefined) return undefined;
    const methods = WRITABLE_METHODS.filter((method) => flagSet[method] !== before[protection][method]);
    return Object.fromEntries(methods.map((method) => [method, flagSet[method]]));
  };
  const [login, action] = [switched("login"), switched("action")];
  return { account, opUin, login, action, overwriteOtherMethods: false, reason };
}
