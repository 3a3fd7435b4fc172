import type { CredentialSettings } from "../cam/index.ts";
import { checkRoleArn } from "./role-arn.ts";
import type { Variables } from "./variables.ts";

const NAMES = ["TKE_REGION", "TKE_PROVIDER_ID", "TKE_WEB_IDENTITY_TOKEN_FILE", "TKE_ROLE_ARN"] as const;

/** TKE sets all four in a pod whose service account has a role. Adds to `problems` where only some are there. */
export function webIdentity(vars: Variables, problems: string[]): CredentialSettings["webIdentity"] {
  const {
    TKE_REGION: region,
    TKE_PROVIDER_ID: providerId,
    TKE_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    TKE_ROLE_ARN: roleArn,
  } = vars;
  const missing = NAMES.filter((name) => vars[name] === undefined);
  if (missing.length === NAMES.length) return undefined;
  if (!region || !providerId || !tokenFile || !roleArn) {
    problems.push(`A part of TKE's web identity is missing: ${missing.join(", ")}.`);
    return undefined;
  }
  checkRoleArn("TKE_ROLE_ARN", roleArn, problems);
  return { region, providerId, tokenFile, roleArn, sessionName: vars.TENCENTCLOUD_ROLE_SESSION_NAME };
}
