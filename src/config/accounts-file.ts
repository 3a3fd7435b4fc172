import { hash } from "node:crypto";
import type { CamEndpoint, CredentialSettings, ProxySettings } from "../cam/index.ts";
import { Secret, type SecretSource } from "../secret.ts";
import {
  type AccountEntry,
  accountSchema,
  accountsFileSchema,
  type CredentialsEntry,
} from "./account-schema.ts";
import { parseEndpoint, readProxies } from "./cam-settings.ts";
import { metadataOrigin, profilePaths } from "./credential-variables.ts";
import { readDocument } from "./read-document.ts";
import type { ConfigInput, Mode } from "./variables.ts";

/** The file of CAM_ACCOUNTS, and the defaults that the variables set for its accounts. */
export interface AccountsSettings {
  readonly file: string;
  /** In local mode an account without an endpoint gets an emulator. */
  readonly mode: Mode;
  readonly ratePerSecond: number;
  readonly language: "en-US" | "zh-CN";
  readonly metadataOrigin: string;
  readonly proxy: ProxySettings;
  /** Returns the value of a variable that the file names; undefined if it is not set. */
  readonly variable: (name: string) => Secret | undefined;
}

/** Returns undefined without CAM_ACCOUNTS. */
export function readAccountsSettings({ vars, env, mode }: ConfigInput): AccountsSettings | undefined {
  if (vars.CAM_ACCOUNTS === undefined) return undefined;
  const values = new Map(Object.entries(env).map(([name, value]) => [name, new Secret(value ?? "")]));
  return {
    ...{ file: vars.CAM_ACCOUNTS, mode },
    ratePerSecond: vars.CAM_RATE_PER_SECOND,
    language: vars.CAM_LANGUAGE,
    metadataOrigin: metadataOrigin(vars),
    proxy: readProxies({ env, problems: [] }),
    variable: (name) => values.get(name),
  };
}

/** An account of the file. */
export interface AccountSettings {
  readonly name: string;
  /** Undefined for an emulator, which only local mode has. */
  readonly cam: AccountCam | undefined;
  readonly ratePerSecond: number;
  readonly language: "en-US" | "zh-CN";
  /** SHA-256 of all settings as the file has them, without the values of variables. */
  readonly settings: string;
}

interface AccountCam {
  readonly endpoint: CamEndpoint;
  readonly credentials: CredentialSettings;
  /** The account has no key of its own: the gateway assumes its role with the key of the default account. */
  readonly usesDefaultKey: boolean;
  readonly proxy: ProxySettings;
}

/** Returns the SHA-256 of settings. */
export function hashOf(settings: object): string {
  return hash("sha256", JSON.stringify(settings));
}

type Report = (path: readonly PropertyKey[], problem: string) => void;

/** Parses the text of CAM_ACCOUNTS, JSON or YAML. Adds mistakes to `problems`. */
export function parseAccountsFile(
  text: string,
  settings: AccountsSettings,
  problems: string[],
): readonly AccountSettings[] {
  const report: Report = (path, problem) =>
    void problems.push(`CAM_ACCOUNTS: ${[path.join("."), problem].filter(Boolean).join(" ")}.`);
  const { value, problem } = readDocument(text);
  if (problem !== undefined) {
    report([], problem);
    return [];
  }
  const parsed = accountsFileSchema.safeParse(value);
  for (const issue of parsed.error?.issues ?? []) {
    const inner = issue.code === "invalid_key" ? issue.issues : [issue];
    for (const { message } of inner) report(issue.path, message);
  }
  const entries = parsed.success ? Object.entries(parsed.data.accounts) : soundEntries(value);
  return entries.map(([name, entry]) =>
    accountOf(name, entry, settings, (path, mistake) => report(["accounts", name, ...path], mistake)),
  );
}

/** Returns the valid accounts of a file with mistakes, so that the checks after the schema run for them too. */
function soundEntries(value: unknown): readonly [string, AccountEntry][] {
  const accounts = (value as { readonly accounts?: unknown } | null)?.accounts;
  if (typeof accounts !== "object" || accounts === null) return [];
  return Object.entries(accounts).flatMap(([name, entry]): [string, AccountEntry][] => {
    const parsed = accountSchema.safeParse(entry);
    return parsed.success ? [[name, parsed.data]] : [];
  });
}

function accountOf(
  name: string,
  entry: AccountEntry,
  settings: AccountsSettings,
  report: Report,
): AccountSettings {
  const { endpoint, serviceHost, credentials } = entry;
  const { ratePerSecond = settings.ratePerSecond, language = settings.language } = entry;
  const account = {
    ...{ name, ratePerSecond, language },
    settings: hashOf({ ...entry, ratePerSecond, language }),
  };
  if (endpoint === undefined) {
    if (settings.mode === "server")
      report([], "has no endpoint, for example https://cam.tencentcloudapi.com");
    for (const [field, value] of Object.entries({ serviceHost, credentials })) {
      if (value !== undefined) report([field], "has no meaning without endpoint");
    }
    return { ...account, cam: undefined };
  }
  const parsed = parseEndpoint(endpoint, serviceHost);
  if (credentials === undefined) report([], "has no credentials");
  if (parsed === undefined || credentials === undefined) return { ...account, cam: undefined };
  const keys = credentialsOf(credentials, settings, (path, mistake) =>
    report(["credentials", ...path], mistake),
  );
  return { ...account, cam: { endpoint: parsed, proxy: settings.proxy, ...keys } };
}

function credentialsOf(
  entry: CredentialsEntry,
  { variable, metadataOrigin: origin }: AccountsSettings,
  report: Report,
): Pick<AccountCam, "credentials" | "usesDefaultKey"> {
  const { secretId, profile, instanceRole, webIdentity, assumeRole } = entry;
  const sourceOf = (part: "secretId" | "secretKey" | "token"): Record<string, SecretSource> => {
    const given = entry[part];
    if (given === undefined) return {};
    if (typeof given === "string") return { [part]: { value: new Secret(given) } };
    if ("file" in given) return { [part]: given };
    const value = variable(given.variable);
    if (value === undefined) report([part, "variable"], `names ${given.variable}, which is not set`);
    return value === undefined ? {} : { [part]: { value } };
  };
  return {
    credentials: {
      environment: { ...sourceOf("secretId"), ...sourceOf("secretKey"), ...sourceOf("token") },
      ...(profile !== undefined && { profile: { name: profile, paths: profilePaths(), required: true } }),
      ...(instanceRole !== undefined && { metadata: { origin, roleName: instanceRole } }),
      ...(webIdentity !== undefined && { webIdentity }),
      ...(assumeRole !== undefined && { role: withoutUndefined(assumeRole) }),
    },
    usesDefaultKey: [secretId, profile, instanceRole, webIdentity].every((place) => place === undefined),
  };
}

function withoutUndefined({ externalId, ...role }: NonNullable<CredentialsEntry["assumeRole"]>) {
  return { ...role, ...(externalId !== undefined && { externalId }) };
}
