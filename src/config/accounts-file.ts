import { parseDocument } from "yaml";
import { type CamEndpoint, type CredentialSettings, METADATA_ORIGIN } from "../cam/index.ts";
import { Secret, type SecretSource } from "../secret.ts";
import {
  type AccountEntry,
  accountSchema,
  accountsFileSchema,
  type CredentialsEntry,
} from "./account-schema.ts";
import { type CamTarget, parseEndpoint, proxies } from "./cam-settings.ts";
import { profilePaths } from "./credential-variables.ts";
import type { Environment, Variables } from "./variables.ts";

/** One account beside the default one. */
export interface AccountTarget {
  readonly name: string;
  /** Undefined for an emulator of its own, which only local mode has. */
  readonly cam: AccountCam | undefined;
  readonly ratePerSecond: number;
  readonly language: "en-US" | "zh-CN";
}

interface AccountCam {
  readonly endpoint: CamEndpoint;
  readonly credentials: CredentialSettings;
  /** Its role is assumed with the key of the default account, as it has none itself. */
  readonly usesDefaultKey: boolean;
  readonly proxy: CamTarget["proxy"];
}

/** The accounts that the text of CAM_ACCOUNTS, JSON or YAML, describes. Adds to `problems` what is wrong. */
export function parseAccountsFile(
  text: string,
  target: AccountsTarget,
  problems: string[],
): readonly AccountTarget[] {
  const say = (path: readonly PropertyKey[], problem: string): void =>
    void problems.push(`CAM_ACCOUNTS: ${[path.join("."), problem].filter(Boolean).join(" ")}.`);
  const { value, problem } = readDocument(text);
  if (problem !== undefined) {
    say([], problem);
    return [];
  }
  const parsed = accountsFileSchema.safeParse(value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const inner = issue.code === "invalid_key" ? issue.issues : [issue];
      for (const { message } of inner) say(issue.path, message);
    }
  }
  const entries = parsed.success ? Object.entries(parsed.data.accounts) : soundEntries(value);
  return entries.map(([name, entry]) =>
    accountOf(name, entry, target, (path, problem) => say(["accounts", name, ...path], problem)),
  );
}

/** The accounts of a file with mistakes that have none themselves: what else is wrong with them is told as well. */
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
  target: AccountsTarget,
  say: (path: readonly string[], problem: string) => void,
): AccountTarget {
  const { endpoint, serviceHost, credentials } = entry;
  const account = {
    name,
    ratePerSecond: entry.ratePerSecond ?? target.ratePerSecond,
    language: entry.language ?? target.language,
  };
  if (endpoint === undefined) {
    if (target.mode === "server") say([], "has no endpoint, for example https://cam.tencentcloudapi.com");
    for (const [field, value] of Object.entries({ serviceHost, credentials })) {
      if (value !== undefined) say([field], "has no meaning without endpoint");
    }
    return { ...account, cam: undefined };
  }
  const parsed = parseEndpoint(endpoint, serviceHost);
  if (credentials === undefined) say([], "has no credentials");
  if (parsed === undefined || credentials === undefined) return { ...account, cam: undefined };
  const keys = accountCredentials(credentials, target, (path, problem) =>
    say(["credentials", ...path], problem),
  );
  return { ...account, cam: { endpoint: parsed, proxy: target.proxy, ...keys } };
}

/** JSON is YAML too. A name that stands twice is a mistake in both. */
function readDocument(text: string): { readonly value?: unknown; readonly problem?: string } {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "silent" });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split("\n").length;
    return { problem: `cannot be read as JSON or YAML (line ${line}: ${error.code})` };
  }
  try {
    return { value: document.toJS() };
  } catch {
    return { problem: "has names that stand for more than a file could hold" };
  }
}

/** Where the keys of an account are looked for. Says what is wrong, by the path inside of `credentials`. */
function accountCredentials(
  entry: CredentialsEntry,
  { variable, metadataOrigin }: AccountsTarget,
  say: (path: readonly string[], problem: string) => void,
): { readonly credentials: CredentialSettings; readonly usesDefaultKey: boolean } {
  const { secretId, profile, instanceRole, webIdentity, assumeRole } = entry;
  const sourceOf = (part: "secretId" | "secretKey" | "token"): Record<string, SecretSource> => {
    const given = entry[part];
    if (given === undefined) return {};
    if (typeof given === "string") return { [part]: { value: new Secret(given) } };
    if ("file" in given) return { [part]: given };
    const value = variable(given.variable);
    if (value === undefined) say([part, "variable"], `names ${given.variable}, which is not set`);
    return value === undefined ? {} : { [part]: { value } };
  };
  return {
    credentials: {
      environment: { ...sourceOf("secretId"), ...sourceOf("secretKey"), ...sourceOf("token") },
      ...(profile !== undefined && { profile: { name: profile, paths: profilePaths(), required: true } }),
      ...(instanceRole !== undefined && { metadata: { origin: metadataOrigin, roleName: instanceRole } }),
      ...(webIdentity !== undefined && { webIdentity }),
      ...(assumeRole !== undefined && { role: withoutUndefined(assumeRole) }),
    },
    usesDefaultKey: [secretId, profile, instanceRole, webIdentity].every((place) => place === undefined),
  };
}

function withoutUndefined({ externalId, ...role }: NonNullable<CredentialsEntry["assumeRole"]>) {
  return { ...role, ...(externalId !== undefined && { externalId }) };
}

/** Where further accounts are described, and what the variables have to say of them. */
export interface AccountsTarget {
  readonly file: string;
  /** Local mode has an emulator for each account that has no endpoint. */
  readonly mode: "local" | "server";
  /** For accounts that do not say otherwise. */
  readonly ratePerSecond: number;
  readonly language: "en-US" | "zh-CN";
  readonly metadataOrigin: string;
  readonly proxy: CamTarget["proxy"];
  /** The value of a variable that the file names; undefined where it is not set. */
  readonly variable: (name: string) => Secret | undefined;
}

/** Further accounts; undefined where there is the default one alone. */
export function accountsTarget(
  vars: Variables,
  env: Environment,
  mode: "local" | "server",
): AccountsTarget | undefined {
  const { CAM_ACCOUNTS: file, CAM_METADATA_ENDPOINT: metadata } = vars;
  if (file === undefined) return undefined;
  const values = new Map(Object.entries(env).map(([name, value]) => [name, new Secret(value ?? "")]));
  return {
    ...{ file, mode },
    ratePerSecond: vars.CAM_RATE_PER_SECOND,
    language: vars.CAM_LANGUAGE,
    metadataOrigin: metadata?.replace(/\/$/, "") ?? METADATA_ORIGIN,
    proxy: proxies(env, []),
    variable: (name) => values.get(name),
  };
}
