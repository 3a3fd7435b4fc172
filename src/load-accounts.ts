import { readFile } from "node:fs/promises";
import { type AccountTarget, parseAccountsFile } from "./config/accounts-file.ts";
import type { AccountsTarget } from "./config/accounts-target.ts";
import { ConfigError } from "./config.ts";

/** The accounts of the file that CAM_ACCOUNTS names. @throws ConfigError that says everything that is wrong with it. */
export async function loadAccounts(target: AccountsTarget): Promise<readonly AccountTarget[]> {
  const text = await readFile(target.file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([`CAM_ACCOUNTS ${target.file} cannot be read (${error.code}).`]);
  });
  const problems: string[] = [];
  const accounts = parseAccountsFile(text, target, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return accounts;
}
