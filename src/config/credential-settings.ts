import { homedir } from "node:os";
import { join } from "node:path";
import type { CredentialSettings } from "../cam/index.ts";
import { credentialSources } from "./credential-sources.ts";
import { instanceMetadata } from "./instance-metadata.ts";
import { checkRoleArn } from "./role-arn.ts";
import type { Variables } from "./variables.ts";
import { webIdentity } from "./web-identity.ts";

/**
 * The official SDKs look at these two, in this order. A user without a home folder has the second alone: for an arbitrary
 * uid of a container, with neither HOME nor an entry in /etc/passwd, Node throws.
 */
export function profilePaths(homeOf: () => string = homedir): readonly string[] {
  const machine = "/etc/tencentcloud/credentials";
  try {
    return [join(homeOf(), ".tencentcloud", "credentials"), machine];
  } catch {
    return [machine];
  }
}

/** Where keys are looked for, and whether any place was named. Adds to `problems` what is wrong. */
export function credentialSettings(
  vars: Variables,
  problems: string[],
): { readonly settings: CredentialSettings; readonly isAnyNamed: boolean } {
  const environment = credentialSources(vars, problems);
  const hasPair = environment.secretId !== undefined && environment.secretKey !== undefined;
  // Half a pair is a problem that has been told already.
  const hasKey = environment.secretId !== undefined || environment.secretKey !== undefined;
  const metadata = instanceMetadata(vars, problems);
  const identity = webIdentity(vars, problems);
  // A part of an identity is a problem that has been told, too.
  const isPodNamed = identity !== undefined || vars.TKE_ROLE_ARN !== undefined;
  const role = assumedRole(vars, problems);
  const { TENCENTCLOUD_PROFILE: profile } = vars;
  return {
    settings: {
      // Of half a pair nothing more is to be told when its file is looked at.
      environment: hasPair ? environment : {},
      // Even the file's default section has to be named: it may lie in a home folder for quite another purpose.
      ...(profile !== undefined && {
        profile: { name: profile, paths: profilePaths(), required: !hasPair },
      }),
      ...(metadata && { metadata }),
      ...(identity && { webIdentity: identity }),
      ...(role && { role }),
    },
    isAnyNamed: hasKey || profile !== undefined || metadata !== undefined || isPodNamed,
  };
}

function assumedRole(vars: Variables, problems: string[]): CredentialSettings["role"] {
  const { TENCENTCLOUD_ROLE_ARN: roleArn, TENCENTCLOUD_ROLE_EXTERNAL_ID: externalId } = vars;
  if (roleArn === undefined) {
    if (externalId !== undefined)
      problems.push("TENCENTCLOUD_ROLE_EXTERNAL_ID is set without TENCENTCLOUD_ROLE_ARN.");
    return undefined;
  }
  checkRoleArn("TENCENTCLOUD_ROLE_ARN", roleArn, problems);
  return {
    roleArn,
    sessionName: vars.TENCENTCLOUD_ROLE_SESSION_NAME,
    durationSeconds: vars.TENCENTCLOUD_ROLE_DURATION_SECONDS,
    region: vars.TENCENTCLOUD_REGION,
    ...(externalId !== undefined && { externalId }),
  };
}
