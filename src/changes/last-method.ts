import type { MfaFlagBlock, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";

/**
 * Whether the blocks leave a user without any method, in both protections, who has one or may have one where CAM
 * did not say. What a written block cannot express counts as gone: the write may take it away.
 */
export function turnsOffLastMethod(before: SafeAuthFlags, blocks: SetMfaFlagInput): boolean {
  const mayHaveOne = mayBeOn(before.login) || mayBeOn(before.action);
  return mayHaveOne && !isOn(blocks.login ?? before.login) && !isOn(blocks.action ?? before.action);
}

function isOn(flags: MfaFlagBlock | MfaFlagState): boolean {
  return Object.values(flags).includes(true);
}

/** Of the methods that a write cannot express CAM leaves out those that the account does not have. */
function mayBeOn(flags: MfaFlagState): boolean {
  return isOn(flags) || [flags.phone, flags.stoken, flags.wechat].includes(undefined);
}
