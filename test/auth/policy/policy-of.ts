import { DEFAULT_ACCOUNT } from "../../../src/auth/accounts.ts";
import type { AccessQuestion, PolicyUser } from "../../../src/auth/policy/decide-access.ts";
import type { Policy } from "../../../src/auth/policy/policy.ts";
import { parsePolicy } from "../../../src/auth/policy/policy-file.ts";
import { ALICE } from "../../support/seed-users.ts";
import { uin } from "../../support/start-change-service.ts";

/** Parses a policy from the text or content of its file. */
export function policyOf(file: string | object): Policy {
  const parsed = parsePolicy(typeof file === "string" ? file : JSON.stringify(file));
  if ("policy" in parsed) return parsed.policy;
  throw new Error(parsed.problems.join("\n"));
}

/** A Tuesday, half past ten in Shanghai. */
export const TUESDAY = Date.UTC(2026, 10, 24, 2, 30);

export interface Asked extends Partial<Omit<PolicyUser, "opUin">> {
  readonly caller?: Partial<AccessQuestion["caller"]>;
  readonly account?: string;
  readonly opUin?: string;
  readonly atMs?: number;
}

/** Returns a question about Alice by the caller wang of the client portal, with the given differences. */
export function question(asked: Asked = {}): AccessQuestion {
  const { caller, account = DEFAULT_ACCOUNT, opUin = ALICE, name, remark, atMs = TUESDAY } = asked;
  return {
    caller: { subject: "wang", client: "portal", issuer: "https://login.example.com/", ...caller },
    account,
    user: { opUin: uin(opUin), name, remark },
    atMs,
  };
}
