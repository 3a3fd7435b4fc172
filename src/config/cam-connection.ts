import { homedir } from "node:os";
import { join } from "node:path";
import {
  type CamEndpoint,
  type CredentialSettings,
  type EnvironmentCredentialSources,
  isRoleName,
  METADATA_ORIGIN,
  type ProxySettings,
} from "../cam/index.ts";
import { Secret, type SecretSource } from "../secret.ts";
import type { ConfigInput, Variables } from "./variables.ts";

export interface CamConnection {
  readonly endpoint: CamEndpoint;
  readonly credentials: CredentialSettings;
  readonly proxy: ProxySettings;
}

/** The loopback names of this machine in URLs and Host headers. */
export const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Returns the endpoint and the key of the default account. Undefined in local mode without CAM_ENDPOINT. */
export function readCamConnection(input: ConfigInput): CamConnection | undefined {
  const { vars, env, mode, problems, notices } = input;
  const { settings, isAnyNamed } = readCredentialSettings(input);
  if (vars.TENCENTCLOUD_PROFILE !== undefined && env["TENCENTCLOUD_SHARED_CREDENTIALS_DIR"] !== undefined) {
    notices.push(
      `TENCENTCLOUD_SHARED_CREDENTIALS_DIR is not used: profiles are read from ${profilePaths().join(" or ")}.`,
    );
  }
  if ((mode === "server" || vars.CAM_ENDPOINT !== undefined) && !isAnyNamed) {
    problems.push(
      `${mode === "server" ? "The gateway has no credentials for CAM" : "CAM_ENDPOINT is set without credentials"}: set ` +
        "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (or their _FILE forms), or name a section of the " +
        "credentials file in TENCENTCLOUD_PROFILE, or the role of the instance in TENCENTCLOUD_CAM_ROLE_NAME.",
    );
  }
  if (vars.CAM_ENDPOINT === undefined) {
    if (mode === "server") {
      problems.push("CAM_ENDPOINT is not set, for example https://cam.tencentcloudapi.com.");
    } else if (isAnyNamed) {
      notices.push(
        "Credentials are set but not used: without CAM_ENDPOINT the embedded emulator replaces CAM.",
      );
    }
    return undefined;
  }
  return { endpoint: readEndpoint(input), credentials: settings, proxy: readProxies(input) };
}

function readEndpoint({ vars, problems, notices }: ConfigInput): CamEndpoint {
  const endpoint = parseEndpoint(vars.CAM_ENDPOINT ?? "", vars.CAM_SERVICE_HOST);
  if (endpoint === undefined) {
    problems.push(`CAM_ENDPOINT ${ENDPOINT_RULE}.`);
    return { origin: "", serviceHost: "" };
  }
  const { protocol, hostname } = new URL(endpoint.origin);
  if (protocol === "http:" && !LOOPBACK_NAMES.includes(hostname)) {
    notices.push(
      "CAM_ENDPOINT is http: calls to CAM travel unencrypted, and anyone on the network path can alter the replies.",
    );
  }
  return endpoint;
}

export const ENDPOINT_RULE =
  "must be an http or https URL of scheme, host and port alone, for example https://cam.tencentcloudapi.com";

/** Returns undefined for an address that breaks ENDPOINT_RULE. The service host defaults to the address's host. */
export function parseEndpoint(text: string, serviceHost: string | undefined): CamEndpoint | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  return isBare ? { origin: url.origin, serviceHost: serviceHost ?? url.host } : undefined;
}

/** Reads the usual proxy variables in both cases. Lower case wins, as in curl. */
export function readProxies({ env, problems }: Pick<ConfigInput, "env" | "problems">): ProxySettings {
  const proxyOf = (name: "http_proxy" | "https_proxy"): Secret | undefined => {
    const url = env[name] ?? env[name.toUpperCase()];
    if (!url) return undefined;
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      problems.push(
        `${name.toUpperCase()} must be an http or https URL, for example http://proxy.example.com:3128.`,
      );
    }
    return new Secret(url);
  };
  const [http, https] = [proxyOf("http_proxy"), proxyOf("https_proxy")];
  const except = env["no_proxy"] ?? env["NO_PROXY"];
  return { ...(http && { http }), ...(https && { https }), ...(except && { except }) };
}

type Input = Pick<ConfigInput, "vars" | "problems">;

/**
 * Returns the paths of the official SDKs, in their order. A user without a home folder, for example an arbitrary uid of
 * a container, gets only the second path: Node throws for that user.
 */
export function profilePaths(homeOf: () => string = homedir): readonly string[] {
  const machine = "/etc/tencentcloud/credentials";
  try {
    return [join(homeOf(), ".tencentcloud", "credentials"), machine];
  } catch {
    return [machine];
  }
}

/** Returns the places of keys, and whether a variable names one. */
export function readCredentialSettings(input: Input): {
  readonly settings: CredentialSettings;
  readonly isAnyNamed: boolean;
} {
  const { vars } = input;
  const environment = readKeyPair(input);
  const hasPair = environment.secretId !== undefined && environment.secretKey !== undefined;
  const metadata = readInstanceMetadata(input);
  const identity = readWebIdentity(input);
  const role = readAssumedRole(input);
  const { TENCENTCLOUD_PROFILE: profile } = vars;
  return {
    settings: {
      // Half a pair is already reported, so its files need no check.
      environment: hasPair ? environment : {},
      // Even the default section needs its name, because the file may exist for another purpose.
      ...(profile !== undefined && {
        profile: { name: profile, paths: profilePaths(), required: !hasPair },
      }),
      ...(metadata && { metadata }),
      ...(identity && { webIdentity: identity }),
      ...(role && { role }),
    },
    // Half a pair or a part of an identity is already reported. Do not report missing credentials as well.
    isAnyNamed:
      environment.secretId !== undefined ||
      environment.secretKey !== undefined ||
      [profile, metadata, identity, vars.TKE_ROLE_ARN].some((place) => place !== undefined),
  };
}

type KeyVariable =
  | "TENCENTCLOUD_SECRET_ID"
  | "TENCENTCLOUD_SECRET_KEY"
  | "TENCENTCLOUD_SESSION_TOKEN"
  | "TENCENTCLOUD_SECURITY_TOKEN"
  | "TENCENTCLOUD_TOKEN";

function readKeyPair({ vars, problems }: Input): EnvironmentCredentialSources {
  const source = (...names: readonly KeyVariable[]): SecretSource | undefined => {
    const given = names.flatMap((name) => {
      const [value, file] = [vars[name], vars[`${name}_FILE`]];
      return [
        ...(value === undefined ? [] : [{ name, source: { value: new Secret(value) } }]),
        ...(file === undefined ? [] : [{ name: `${name}_FILE`, source: { file } }]),
      ];
    });
    // One value under several names is valid: Terraform and official tools use different names.
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

/** Plain http is safe only for an address of this machine. */
const LOOPBACK_ORIGIN = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?$/;

/** Returns the role of the instance. Undefined if neither of its two variables is set. */
function readInstanceMetadata({ vars, problems }: Input): CredentialSettings["metadata"] {
  const { TENCENTCLOUD_CAM_ROLE_NAME: roleName } = vars;
  if (roleName === undefined && vars.CAM_METADATA_ENDPOINT === undefined) return undefined;
  if (roleName !== undefined && !isRoleName(roleName)) {
    problems.push("TENCENTCLOUD_CAM_ROLE_NAME must be letters, digits and any of + = , . @ _ -.");
  }
  const origin = metadataOrigin(vars);
  if (origin !== METADATA_ORIGIN && !LOOPBACK_ORIGIN.test(origin)) {
    problems.push(`CAM_METADATA_ENDPOINT must be ${METADATA_ORIGIN}, or an http address of this machine.`);
  }
  return { origin, ...(roleName !== undefined && { roleName }) };
}

export function metadataOrigin({ CAM_METADATA_ENDPOINT: endpoint }: Variables): string {
  return endpoint?.replace(/\/$/, "") ?? METADATA_ORIGIN;
}

const TKE_VARIABLES = [
  "TKE_REGION",
  "TKE_PROVIDER_ID",
  "TKE_WEB_IDENTITY_TOKEN_FILE",
  "TKE_ROLE_ARN",
] as const;

/** Returns TKE's web identity. TKE sets all four variables in a pod whose service account has a role. */
function readWebIdentity({ vars, problems }: Input): CredentialSettings["webIdentity"] {
  const [region, providerId, tokenFile, roleArn] = TKE_VARIABLES.map((name) => vars[name]);
  const missing = TKE_VARIABLES.filter((name) => vars[name] === undefined);
  if (missing.length === TKE_VARIABLES.length) return undefined;
  if (!region || !providerId || !tokenFile || !roleArn) {
    problems.push(`A part of TKE's web identity is missing: ${missing.join(", ")}.`);
    return undefined;
  }
  checkRoleArn("TKE_ROLE_ARN", roleArn, problems);
  return { region, providerId, tokenFile, roleArn, sessionName: vars.TENCENTCLOUD_ROLE_SESSION_NAME };
}

function readAssumedRole({ vars, problems }: Input): CredentialSettings["role"] {
  const { TENCENTCLOUD_ROLE_ARN: roleArn, TENCENTCLOUD_ROLE_EXTERNAL_ID: externalId } = vars;
  if (roleArn === undefined) return undefined;
  checkRoleArn("TENCENTCLOUD_ROLE_ARN", roleArn, problems);
  return {
    roleArn,
    sessionName: vars.TENCENTCLOUD_ROLE_SESSION_NAME,
    durationSeconds: vars.TENCENTCLOUD_ROLE_DURATION_SECONDS,
    region: vars.TENCENTCLOUD_REGION,
    ...(externalId !== undefined && { externalId }),
  };
}

export const ROLE_ARN_RULE = "must be a role, for example qcs::cam::uin/100000000001:roleName/mfa-gateway";

export function isRoleArn(text: string): boolean {
  return /^qcs::cam::uin\/\d+:role(Name)?\/\S+$/.test(text);
}

function checkRoleArn(variable: string, text: string, problems: string[]): void {
  if (!isRoleArn(text)) problems.push(`${variable} ${ROLE_ARN_RULE}.`);
}
