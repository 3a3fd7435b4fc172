import { type Accounts, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { PolicyFile, policyTerms } from "../auth/policy/policy-file.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Account } from "./create-account.ts";
import type { Foundation } from "./foundation.ts";

/** Opens the policy and follows its file. @throws AuthFileError for a mistake in the file. */
export async function openPolicy({
  config,
  clock,
  telemetry,
  closers,
}: Foundation): Promise<PolicyFile | undefined> {
  if (config.policyFile === undefined) return undefined;
  const observer = policyObserver(telemetry);
  const policy = await PolicyFile.open(config.policyFile, policyTerms(config), observer, clock);
  closers.defer(() => policy.close());
  return policy;
}

/** Reports which policy is in force. */
function policyObserver({ report }: Telemetry) {
  return {
    onPolicyInForce: (policy: object) => report("policy.in_force", { policy }),
    onPolicyError: (err: unknown) => {
      const { problems } = err as { readonly problems?: unknown };
      report("policy.unusable", Array.isArray(problems) ? { problems } : { err });
    },
  };
}

/** Reports accounts that the policy does not list, and accounts in the policy that are not configured. */
export function reportAccountsOutsidePolicy(
  { telemetry: { report } }: Foundation,
  accounts: Accounts<Account>,
  policy: PolicyFile | undefined,
): void {
  if (policy === undefined) return;
  const listed = Object.keys(policy.current.accounts);
  const configured = accounts.all.map(({ name }) => name).filter((name) => name !== DEFAULT_ACCOUNT);
  const unlisted = configured.filter((name) => !listed.includes(name));
  const unknown = listed.filter((name) => !configured.includes(name));
  if (unlisted.length > 0) report("policy.accounts_unlisted", { accounts: unlisted });
  if (unknown.length > 0) report("policy.accounts_unknown", { accounts: unknown });
}
