import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ISSUER } from "./create-issuer.ts";
import { EXAMPLE_KEY } from "./example-key.ts";

/** CAM's limit for each key and action. */
export const CAM_CALLS_PER_SECOND = 20;

const KEY_PREFIX = "AKIDFLEET";

/** Returns whether the stub of CAM limits the rate of a key. */
export function isFleetKey(secretId: string): boolean {
  return secretId.startsWith(KEY_PREFIX);
}

export function accountName(index: number): string {
  return `account-${index}`;
}

/** Writes CAM_ACCOUNTS and POLICY_FILE. Returns the variables of a gateway whose callers may use these accounts. */
export async function writeAccounts(
  folder: string,
  { count, endpoint }: { readonly count: number; readonly endpoint: string },
): Promise<Readonly<Record<string, string>>> {
  const names = Array.from({ length: count }, (_, index) => accountName(index));
  const accounts = Object.fromEntries(
    names.map((name, index) => [
      name,
      {
        endpoint,
        serviceHost: "cam.tencentcloudapi.com",
        credentials: { secretId: `${KEY_PREFIX}${index}`, secretKey: { variable: "FLEET_SECRET_KEY" } },
        ratePerSecond: CAM_CALLS_PER_SECOND,
      },
    ]),
  );
  const policy = {
    accounts: Object.fromEntries(names.map((name) => [name, { callers: { issuers: [ISSUER] } }])),
    rules: [{ id: "everything", effect: "allow" }],
  };
  const [accountsFile, policyFile] = [join(folder, "accounts.json"), join(folder, "policy.yaml")];
  await writeFile(accountsFile, JSON.stringify({ accounts }));
  await writeFile(policyFile, JSON.stringify(policy));
  return {
    CAM_ACCOUNTS: accountsFile,
    POLICY_FILE: policyFile,
    FLEET_SECRET_KEY: EXAMPLE_KEY.secretKey,
  };
}
