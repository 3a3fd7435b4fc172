import { generateKeyPairSync } from "node:crypto";
import { RequestMacs } from "../../src/audit/request-macs.ts";
import type { temporaryFolder } from "./temporary-folder.ts";

/** Returns the variables of server mode for a policy with approvals, with a new key. */
export async function signingKey(
  folder: Pick<Awaited<ReturnType<typeof temporaryFolder>>, "write">,
): Promise<Readonly<Record<"AUDIT_SIGNING_KEY_FILE" | "AUDIT_ANCHOR_FILE", string>>> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  return { AUDIT_SIGNING_KEY_FILE: await folder.write("audit-key.pem", pem), AUDIT_ANCHOR_FILE: "log" };
}

/** The key that seals requests for approval in tests. */
export const TEST_MACS = RequestMacs.ofSecret(Buffer.alloc(32, 7));
