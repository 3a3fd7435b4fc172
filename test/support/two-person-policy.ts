import { temporaryFolder } from "./temporary-folder.ts";

export interface TwoPersonPolicy {
  /** The variables of a gateway that follows it. */
  readonly env: { readonly POLICY_FILE: string };
  /** Puts rules before those that there are, by writing the file anew. */
  forbid(...rules: readonly object[]): Promise<void>;
}

/** Everybody may change everybody, and of some users only with the approval of another caller. */
export async function twoPersonPolicy(
  opUins: readonly string[],
  expiresInMinutes = 60,
): Promise<TwoPersonPolicy> {
  const folder = await temporaryFolder();
  const write = (...before: readonly object[]): Promise<string> => {
    const twoPersons = {
      id: "two-persons",
      effect: "allow",
      approval: { expiresInMinutes },
      users: { uins: opUins },
    };
    const rules = [...before, twoPersons, { id: "everything", effect: "allow" }];
    return folder.write("policy.json", JSON.stringify({ rules }));
  };
  const POLICY_FILE = await write();
  return {
    env: { POLICY_FILE },
    forbid: async (...rules) => {
      await write(...rules);
    },
  };
}
