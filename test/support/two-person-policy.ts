import { signingKey } from "./signing-key.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface TwoPersonPolicy {
  /** The variables of a gateway that follows it. */
  readonly env: Readonly<Record<"POLICY_FILE" | "AUDIT_SIGNING_KEY_FILE" | "AUDIT_ANCHOR_FILE", string>>;
  /** Rewrites the policy file with other rules in front and a list of protected users. */
  rewrite(change: PolicyChange): Promise<void>;
}

export interface PolicyChange {
  readonly rules?: readonly object[];
  readonly protectedUsers?: readonly string[];
}

/** A policy under which each caller may change each user, and some users only with another caller's approval. */
export async function twoPersonPolicy(
  opUins: readonly string[],
  before: readonly object[] = [],
): Promise<TwoPersonPolicy> {
  const folder = await temporaryFolder();
  const approval = { expiresInMinutes: 60 };
  const usual = [
    { id: "two-persons", effect: "allow", approval, users: { uins: opUins } },
    { id: "everything", effect: "allow" },
  ];
  const write = ({ rules = [], protectedUsers = [] }: PolicyChange): Promise<string> =>
    folder.write("policy.json", JSON.stringify({ protectedUsers, rules: [...rules, ...before, ...usual] }));
  const POLICY_FILE = await write({});
  const env = { POLICY_FILE, ...(await signingKey(folder)) };
  return { env, rewrite: async (change) => void (await write(change)) };
}
