import type { MfaFlagSet, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";

/**
 * Whether the flag sets leave a user without any method, in both protections, who has one or may have one where CAM
 * did not say. What a written flag set cannot express counts as gone: the write may take it away.
 */
export function turnsOffLastMethod(before: SafeAuthFlags, flagSets: SetMfaFlagInput): boolean {
  const mayHaveOne = mayBeOn(before.login) || mayBeOn(before.action);
  return mayHaveOne && !isOn(flagSets.login ?? before.login) && !isOn(flagSets.action ?? before.action);
}

function isOn(flags: MfaFlagSet | MfaFlagState): boolean {
  return Object.values(flags).includes(true);
}

/** Of the methods that a write cannot express CAM leaves out those that the account does not have. */
function mayBeOn(flags: MfaFlagState): boolean {
  return isOn(flags) || [flags.phone, flags.stoken, flags.wechat].includes(undefined);
}
