import { DEFAULT_ACCOUNT } from "../account-name.ts";
import type { CallerIdentity } from "../caller.ts";
import { matchesCaller } from "./matches-caller.ts";
import type { Policy } from "./policy.ts";

/**
 * Whether a caller may use an account at all, to read or to change. The default one is open to whoever has the scope.
 * Any other is nobody's unless the policy lists it, and everybody's where there is no policy, which only local mode
 * can be without.
 */
export function mayUseAccount(policy: Policy | undefined, caller: CallerIdentity, account: string): boolean {
  if (account === DEFAULT_ACCOUNT || policy === undefined) return true;
  if (!Object.hasOwn(policy.accounts, account)) return false;
  const use = policy.accounts[account];
  return use !== undefined && matchesCaller(use.callers, caller);
}
