import { z } from "zod";
import { ACCOUNT_NAME, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { type CamEndpoint, type CredentialSettings, isRoleName, type ProxySettings } from "../cam/index.ts";
import { Secret, type SecretSource } from "../secret.ts";
import {
  ENDPOINT_RULE,
  isRoleArn,
  metadataOrigin,
  parseEndpoint,
  profilePaths,
  ROLE_ARN_RULE,
  readProxies,
} from "./cam-connection.ts";
import {
  hashOf,
  parseSettingsFile,
  type Report,
  secretPlace,
  text,
  variableReader,
} from "./settings-file.ts";
import { HOST_NAME, HOST_NAME_RULE, region, sessionName } from "./variable-schemas.ts";
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
  return {
    ...{ file: vars.CAM_ACCOUNTS, mode },
    ratePerSecond: vars.CAM_RATE_PER_SECOND,
    language: vars.CAM_LANGUAGE,
    metadataOrigin: metadataOrigin(vars),
    proxy: readProxies({ env, problems: [] }),
    variable: variableReader(env),
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

/** Parses the text of CAM_ACCOUNTS, JSON or YAML. Adds mistakes to `problems`. */
export function parseAccountsFile(
  text: string,
  settings: AccountsSettings,
  problems: string[],
): readonly AccountSettings[] {
  const { document, data, report } = parseSettingsFile(text, ["CAM_ACCOUNTS", accountsFileSchema], problems);
  const entries = data === undefined ? soundEntries(document) : Object.entries(data.accounts);
  return entries.map(([name, entry]) =>
    accountOf(name, entry, settings, (path, mistake) => report(["accounts", name, ...path], mistake)),
  );
}

/** Returns the valid accounts of a file with mistakes, so that the checks after the schema run for them too. */
function soundEntries(document: unknown): readonly [string, AccountEntry][] {
  const accounts = (document as { readonly accounts?: unknown } | null | undefined)?.accounts;
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

const roleArn = text.refine(isRoleArn, ROLE_ARN_RULE);

/** The places of keys, in the order of the official SDKs. */
const PLACES = ["secretId", "profile", "instanceRole", "webIdentity"] as const;

const credentialsSchema = z
  .strictObject({
    // The id is in every request, and is not secret.
    secretId: z
      .union([text, z.strictObject({ file: text }), z.strictObject({ variable: text })], {
        error: 'must be the id itself, {"file": PATH} or {"variable": NAME}',
      })
      .optional(),
    secretKey: secretPlace.optional(),
    token: secretPlace.optional(),
    profile: text.optional().meta({ description: "A section of the credentials file." }),
    instanceRole: z
      .string()
      .refine(isRoleName, "must be letters, digits and any of + = , . @ _ -")
      .optional(),
    webIdentity: z
      .strictObject({ region, providerId: text, tokenFile: text, roleArn, sessionName })
      .optional(),
    assumeRole: z
      .strictObject({
        roleArn,
        sessionName,
        externalId: text.optional(),
        durationSeconds: z.int().min(1).max(43_200).default(7_200),
        region: region.default("ap-guangzhou"),
      })
      .optional()
      .meta({ description: "The role to assume with the key above, or with the default account's key." }),
  })
  .refine(({ secretId, secretKey }) => (secretId === undefined) === (secretKey === undefined), {
    error: "has half a key pair: secretId and secretKey belong together",
    when: isObject,
  })
  .refine(({ secretId, token }) => token === undefined || secretId !== undefined, {
    error: "has a token without the key that it belongs to",
    when: isObject,
  })
  .refine((credentials) => placesIn(credentials).length <= 1, {
    error: ({ input }) => `names more than one place for the key: ${placesIn(input as Places).join(", ")}`,
    when: isObject,
  })
  .refine(
    (given) => given.assumeRole !== undefined || given.secretKey !== undefined || placesIn(given).length > 0,
    {
      error: `names no place for the key: one of ${PLACES.join(", ")}, or assumeRole with the default account's key`,
      when: isObject,
    },
  );

/** Lets a refinement run even if another part of the object is wrong. */
function isObject({ value }: { readonly value: unknown }): boolean {
  return typeof value === "object" && value !== null;
}

type Places = Partial<Record<(typeof PLACES)[number], unknown>>;

function placesIn(credentials: Places): readonly string[] {
  return PLACES.filter((place) => credentials[place] !== undefined);
}

/** An account of the file of CAM_ACCOUNTS. */
const accountSchema = z.strictObject({
  endpoint: text
    .refine((url) => parseEndpoint(url, undefined) !== undefined, ENDPOINT_RULE)
    .optional()
    .meta({ description: "Scheme, host and port alone: https://cam.tencentcloudapi.com." }),
  serviceHost: text
    .regex(HOST_NAME, HOST_NAME_RULE)
    .optional()
    .meta({ description: "The name in the Host header, if it differs from the endpoint's host." }),
  credentials: credentialsSchema
    .optional()
    .meta({ description: "One place for the key, and the role that is assumed with it, if any." }),
  ratePerSecond: z.int().min(1).max(1_000).optional().meta({
    description: "Calls of one action that CAM accepts in a second. The default is CAM_RATE_PER_SECOND.",
  }),
  language: z.enum(["en-US", "zh-CN"], { error: "must be one of en-US, zh-CN" }).optional().meta({
    description: "The language of CAM's messages, which only the log shows. The default is CAM_LANGUAGE.",
  }),
});

/** The file of CAM_ACCOUNTS. Its JSON Schema is `schema/accounts.schema.json`. */
export const accountsFileSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: "The address of this schema, for editors." }),
  accounts: z
    .record(
      z
        .string()
        .regex(ACCOUNT_NAME, {
          error: "is not a valid account name: 1 to 40 small letters, digits and dashes",
          abort: true,
        })
        .refine((name) => name !== DEFAULT_ACCOUNT, {
          error: "is the account of the CAM_* and TENCENTCLOUD_* variables, and cannot be another",
        }),
      accountSchema,
    )
    .refine((accounts) => Object.keys(accounts).length > 0, "names no account"),
});

type AccountEntry = z.output<typeof accountSchema>;
type CredentialsEntry = z.output<typeof credentialsSchema>;
