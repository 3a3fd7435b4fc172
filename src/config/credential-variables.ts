import { homedir } from "node:os";
import { join } from "node:path";
import {
  type CredentialSettings,
  type EnvironmentCredentialSources,
  isRoleName,
  METADATA_ORIGIN,
} from "../cam/index.ts";
import { Secret, type SecretSource } from "../secret.ts";
import type { Variables } from "./variables.ts";

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

/** The key pair and token, each by value or by file. Adds to `problems` what is wrong. */
function credentialSources(vars: Variables, problems: string[]): EnvironmentCredentialSources {
  const source = (...names: readonly CredentialVariable[]): SecretSource | undefined => {
    const given = names.flatMap((name) => [
      ...(vars[name] === undefined ? [] : [{ name, source: { value: new Secret(vars[name]) } }]),
      ...(vars[`${name}_FILE`] === undefined
        ? []
        : [{ name: `${name}_FILE`, source: { file: vars[`${name}_FILE`] ?? "" } }]),
    ]);
    // The same value by several names is no mistake: Terraform's name may stand beside that of the official tools.
    const values = given.map(({ source }) => ("value" in source ? source.value.reveal() : source));
    if (new Set(values).size > 1)
      problems.push(`Set only one of ${given.map(({ name }) => name).join(" and ")}.`);
    return given[0]?.source;
  };
  const secretId = source("TENCENTCLOUD_SECRET_ID");
  const secretKey = source("TENCENTCLOUD_SECRET_KEY");
  const token = source("TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN", "TENCENTCLOUD_TOKEN");
  if ((secretId === undefined) !== (secretKey === undefined)) {
    const missing = secretId === undefined ? "TENCENTCLOUD_SECRET_ID" : "TENCENTCLOUD_SECRET_KEY";
    problems.push(`Half a key pair: ${missing} (or ${missing}_FILE) is missing.`);
  }
  if (token !== undefined && secretId === undefined && secretKey === undefined) {
    problems.push("A session token is set without the key pair that it belongs to.");
  }
  return { ...(secretId && { secretId }), ...(secretKey && { secretKey }), ...(token && { token }) };
}

type CredentialVariable =
  | "TENCENTCLOUD_SECRET_ID"
  | "TENCENTCLOUD_SECRET_KEY"
  | "TENCENTCLOUD_SESSION_TOKEN"
  | "TENCENTCLOUD_SECURITY_TOKEN"
  | "TENCENTCLOUD_TOKEN";

/** Plain http is right for an address that never leaves the machine, and for no other. */
const LOOPBACK_ORIGIN = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?$/;

/** The role of the instance, where one of its two variables asks for it. Adds to `problems` what is wrong. */
function instanceMetadata(vars: Variables, problems: string[]): CredentialSettings["metadata"] {
  const { TENCENTCLOUD_CAM_ROLE_NAME: roleName, CAM_METADATA_ENDPOINT: endpoint } = vars;
  if (roleName === undefined && endpoint === undefined) return undefined;
  if (roleName !== undefined && !isRoleName(roleName)) {
    problems.push("TENCENTCLOUD_CAM_ROLE_NAME must be letters, digits and any of + = , . @ _ -.");
  }
  const origin = endpoint?.replace(/\/$/, "") ?? METADATA_ORIGIN;
  if (origin !== METADATA_ORIGIN && !LOOPBACK_ORIGIN.test(origin)) {
    problems.push(`CAM_METADATA_ENDPOINT must be ${METADATA_ORIGIN}, or an http address of this machine.`);
  }
  return { origin, ...(roleName !== undefined && { roleName }) };
}

const NAMES = ["TKE_REGION", "TKE_PROVIDER_ID", "TKE_WEB_IDENTITY_TOKEN_FILE", "TKE_ROLE_ARN"] as const;

/** TKE sets all four in a pod whose service account has a role. Adds to `problems` where only some are there. */
function webIdentity(vars: Variables, problems: string[]): CredentialSettings["webIdentity"] {
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

/** What STS and the console call a role. */
const ROLE_ARN = /^qcs::cam::uin\/\d+:role(Name)?\/\S+$/;

export const ROLE_ARN_RULE = "must be a role, for example qcs::cam::uin/100000000001:roleName/mfa-gateway";

export function isRoleArn(text: string): boolean {
  return ROLE_ARN.test(text);
}

/** Adds to `problems` where the variable's value is no role. */
function checkRoleArn(variable: string, text: string, problems: string[]): void {
  if (!isRoleArn(text)) problems.push(`${variable} ${ROLE_ARN_RULE}.`);
}
