import { hash } from "node:crypto";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { MfaChangeRequest } from "./mfa-change.ts";

/**
 * Equal requests have equal hashes, in every replica. The default account is in none, as it was before there were
 * others: a repetition finds what was recorded then.
 */
export function hashOf({
  account,
  opUin,
  login,
  action,
  overwriteOtherMethods,
  reason,
}: MfaChangeRequest): string {
  const methods = (of: typeof login) => [of?.phone ?? null, of?.stoken ?? null, of?.wechat ?? null];
  const identity = JSON.stringify([
    opUin,
    methods(login),
    methods(action),
    overwriteOtherMethods,
    reason ?? null,
    ...(account === undefined || account === DEFAULT_ACCOUNT ? [] : [account]),
  ]);
  return hash("sha256", identity);
}
