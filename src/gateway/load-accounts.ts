import { type AccountTarget, parseAccountsFile } from "../config/accounts-file.ts";
import type { AccountsTarget } from "../config/accounts-target.ts";
import { ConfigError } from "../config/config.ts";
import { readUtf8File, whyUnreadable } from "../utf8.ts";

/** The accounts of the file that CAM_ACCOUNTS names. @throws ConfigError that says everything that is wrong with it. */
export async function loadAccounts(target: AccountsTarget): Promise<readonly AccountTarget[]> {
  const text = await readUtf8File(target.file).catch((error: unknown) => {
    throw new ConfigError([`CAM_ACCOUNTS ${target.file} ${whyUnreadable(error)}.`]);
  });
  const problems: string[] = [];
  const accounts = parseAccountsFile(text, target, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return accounts;
}
