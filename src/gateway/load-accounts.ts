import { checkCredentialFiles } from "../cam/index.ts";
import { type AccountSettings, type AccountsSettings, parseAccountsFile } from "../config/accounts-file.ts";
import { ConfigError } from "../config/config.ts";
import { type FileRead, readOnce } from "../polled-file.ts";
import { parseFile } from "./parse-file.ts";

/** Loads the file of CAM_ACCOUNTS. @throws ConfigError with every mistake in the file. */
export async function loadAccounts(settings: AccountsSettings): Promise<readonly AccountSettings[]> {
  return parseAccounts(await readOnce(settings.file), settings);
}

/** Returns the accounts of a read of the file. @throws ConfigError with every mistake in the file. */
export function parseAccounts(read: FileRead, settings: AccountsSettings): readonly AccountSettings[] {
  return parseFile(["CAM_ACCOUNTS", settings.file], read, (text, problems) =>
    parseAccountsFile(text, settings, problems),
  );
}

/** Reads the files with keys that accounts name. @throws ConfigError with every file that has no key. */
export async function checkKeyFiles(accounts: readonly AccountSettings[]): Promise<void> {
  const problems = await Promise.all(
    accounts.map(async ({ name, cam }) =>
      (cam ? await checkCredentialFiles(cam.credentials) : []).map(
        (problem) => `The account ${name}: ${problem}`,
      ),
    ),
  );
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
}
