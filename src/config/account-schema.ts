import { z } from "zod";
import { ACCOUNT_NAME, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { isRoleName } from "../cam/index.ts";
import { ENDPOINT_RULE, parseEndpoint } from "./cam-settings.ts";
import { isRoleArn, ROLE_ARN_RULE } from "./credential-variables.ts";
import { HOST_NAME, HOST_NAME_RULE, region, sessionName } from "./variable-schemas.ts";

const text = z.string().trim().min(1, "must not be empty");

const SOURCES = 'must be {"file": PATH} or {"variable": NAME}, which name its place';

/** The place of a part of a key. */
const source = z.union([z.strictObject({ file: text }), z.strictObject({ variable: text })], {
  error: ({ input }) =>
    typeof input === "string" ? `${SOURCES}: this file must not hold a secret` : SOURCES,
});

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
    secretKey: source.optional(),
    token: source.optional(),
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
export const accountSchema = z.strictObject({
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

export type AccountEntry = z.output<typeof accountSchema>;
export type CredentialsEntry = z.output<typeof credentialsSchema>;
