import { signingKey } from "./signing-key.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface TwoPersonPolicy {
  /** The variables of a gateway that follows it. */
  readonly env: Readonly<Record<"POLICY_FILE" | "AUDIT_SIGNING_KEY_FILE" | "AUDIT_ANCHOR_FILE", string>>;
  /** Puts other rules before it, and lists protected users, by writing the file anew. */
  rewrite(change: PolicyChange): Promise<void>;
}

export interface PolicyChange {
  readonly rules?: readonly object[];
  readonly protectedUsers?: readonly string[];
}

/** Everybody may change everybody, and of some users only with the approval of another caller. */
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
