/**
 * The table of all variables: name, group, schema, default and help. The typed configuration, --help, .env.example and
 * docs/operators/configuration.md come from it. To add a variable, add a row to its group: the callers, the policy, the
 * record, webhooks and commands are here, the ports in http-variables.ts, CAM and its keys in cam-variables.ts, and scans
 * in directory-settings.ts. Then use the value in config.ts, and run `npm run generate`. --help shows the first sentence
 * of each help text.
 */
import { z } from "zod";
import { CAM_VARIABLES } from "./cam-variables.ts";
import { DIRECTORY } from "./directory-settings.ts";
import { HTTP_VARIABLES } from "./http-variables.ts";
import { integer, type LOG_LEVELS, text, type VariableGroup, wholeNumber } from "./variable-schemas.ts";

export type LogLevel = (typeof LOG_LEVELS)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

const CALLERS = {
  title: "Authentication of callers",
  introduction:
    "Callers authenticate by bearer tokens (JWT); see docs/operators/authentication.md. Server mode requires an issuer, a " +
    "file of issuers, or client certificates. In local mode without any of them, every caller is the developer.",
  variables: {
    AUTH_ISSUER: text.describe("The issuer of the callers' tokens: exactly the value of their claim iss."),
    AUTH_JWKS_URL: text.meta({
      description:
        "The https address of the issuer's public keys (JWKS). The gateway reloads the keys every five minutes. Without " +
        "AUTH_JWKS_URL and AUTH_JWKS_FILE, it discovers the address from the issuer (OpenID Connect).",
      needs: "AUTH_ISSUER",
    }),
    AUTH_JWKS_FILE: text.meta({
      description: "A file with the issuer's public keys, instead of AUTH_JWKS_URL.",
      needs: "AUTH_ISSUER",
    }),
    AUTH_AUDIENCE: text.meta({
      description: "The accepted audiences of tokens (aud), separated by commas.",
      needs: "AUTH_ISSUER",
    }),
    AUTH_AUDIENCE_CLAIM: z
      .string()
      .default("aud")
      .describe(
        "The claim that holds the audience. Access tokens of Amazon Cognito have no aud: set client_id, and list client " +
          "ids in AUTH_AUDIENCE.",
      ),
    AUTH_ALGORITHMS: z
      .string()
      .default("RS256,PS256,ES256,EdDSA")
      .describe("The accepted signature algorithms. Only algorithms with a public key are allowed."),
    AUTH_CLOCK_TOLERANCE_S: integer(0, 300, 10).describe(
      "The tolerated difference between the issuer's clock and the gateway's, in seconds.",
    ),
    AUTH_REQUIRED_CLAIMS: text.meta({
      description: "Claims that a token must have besides iss, sub, aud and exp, separated by commas.",
      needs: "AUTH_ISSUER",
    }),
    AUTH_CLIENT_CLAIMS: z
      .string()
      .default("azp,client_id,cid,appid")
      .describe(
        "The claims that may name the client (callers.clients in the policy). The gateway takes the first " +
          "one in the token.",
      ),
    AUTH_SCOPE_CLAIM: z
      .string()
      .default("scope")
      .describe(
        "The claim with the scopes: words in one string, or a list. A dot selects a member of an object: " +
          "realm_access.roles.",
      ),
    AUTH_SCOPE_PREFIXES: text.meta({
      description:
        "Prefixes that the issuer puts before scopes, separated by commas: mfa-api/ for mfa-api/cam.mfa:read.",
      needs: "AUTH_ISSUER",
    }),
    AUTH_ROLE_CLAIM: text.meta({
      description:
        "The claim with roles, for an issuer without scopes. A role with the name of a scope grants that scope.",
      needs: "AUTH_ISSUER",
    }),
    AUTH_ISSUERS_FILE: text.meta({
      description:
        'A JSON file with several issuers, instead of AUTH_ISSUER: {"issuers": [{"issuer", "jwksUrl", "audience"}]}.',
      excludes: "AUTH_ISSUER",
    }),
    AUTH_CLIENT_CERT_HEADER: z
      .string()
      .regex(/^[a-z0-9-]+$/i, "must be the name of a header")
      .optional()
      .describe(
        "The header in which a proxy passes the subject of a client certificate that it verified. It needs " +
          "AUTH_CLIENT_CERT_SCOPES and AUTH_PROXY_ADDRESSES.",
      ),
    AUTH_CLIENT_CERT_SCOPES: text.describe(
      "The scopes of callers with a client certificate, for example cam.mfa:read,cam.mfa:write.",
    ),
    AUTH_CLIENT_CERT_SUBJECTS_FILE: text.meta({
      description:
        "A JSON file that maps certificates to the people that tokens name: " +
        '{"certificates": [{"certificate", "subject", "issuer"}]}.',
      needs: "AUTH_CLIENT_CERT_HEADER",
    }),
    AUTH_PROXY_ADDRESSES: text.describe(
      "The addresses or networks (10.0.0.0/8) of trusted proxies, separated by commas. The gateway reads the certificate " +
        "header from these only. It also exempts them from the connection limit of one address. List routers here too.",
    ),
    ROUTER_SECRET: text.describe(
      "The secret that the router sends in x-router-secret, at least 32 characters. With it the gateway serves only " +
        "the router.",
    ),
    ROUTER_SECRET_FILE: text.meta({
      description: "A file with the router's secret, instead of ROUTER_SECRET.",
      excludes: "ROUTER_SECRET",
    }),
  },
} satisfies VariableGroup;

const POLICY = {
  title: "Policy",
  variables: {
    POLICY_FILE: text.describe(
      "The policy (YAML or JSON): the rules for callers, users and methods, and the protected users. See " +
        "docs/iam/policy.md. Server mode requires it. In local mode without it, scopes alone decide. A changed file " +
        "takes effect within five seconds.",
    ),
    BULK_GUARD_USERS: wholeNumber(0, 1_000_000)
      .optional()
      .meta({
        description:
          "The number of users that one caller may change, or approve changes of, within BULK_GUARD_MINUTES. 0 sets " +
          "no limit. The gateway pauses a caller that exceeds it until an operator resumes the caller.",
        otherwise: "100 in server mode, 0 in local mode",
        range: "0 to 1000000",
      }),
    BULK_GUARD_MINUTES: integer(1, 1_440, 10).describe("The minutes over which BULK_GUARD_USERS counts."),
  },
} satisfies VariableGroup;

const RECORD = {
  title: "The record of changes",
  variables: {
    DATABASE_URL: text.describe(
      "The PostgreSQL database (15 or later) of the record: postgres://user:password@host:5432/database. Server mode " +
        "requires it, or DATABASE_URL_FILE.",
    ),
    DATABASE_URL_FILE: text.meta({
      description:
        "A file with the database's address. The gateway reads it for each new connection, so a rotated password needs " +
        "no restart.",
      excludes: "DATABASE_URL",
    }),
    DATABASE_MAX_CONNECTIONS: integer(3, 1_000, 10).describe(
      "Database connections of one gateway for changes, reads and the quota. The quota gets a fifth, reads half of the " +
        "rest, changes the remainder: with 10, the quota has 2, reads 4 and changes 4. Background jobs use up to two more " +
        "connections, and the signing of the record one more.",
    ),
    AUDIT_SIGNING_KEY_FILE: text.describe(
      "An Ed25519 private key (PEM) that signs checkpoints of the record and seals requests for approval. Server mode " +
        "requires it if a rule of the policy needs approval. Without it, only an earlier export proves that the record " +
        "was not rewritten as a whole.",
    ),
    AUDIT_PREVIOUS_KEY_FILE: text.meta({
      description:
        "The previous signing key during a key change. Its signatures and seals remain valid until the gateway starts without it.",
      needs: "AUDIT_SIGNING_KEY_FILE",
    }),
    AUDIT_ANCHOR_FILE: text.meta({
      description:
        "The file in which this replica stores its anchor, the last checkpoint that it signed. A signing " +
        "key requires it. Each replica needs its own file, in a folder that survives restarts and that " +
        "the database's owners cannot write. With the value log, the anchor is only in memory and in the " +
        "log.",
      needs: "AUDIT_SIGNING_KEY_FILE",
    }),
    AUDIT_CHECKPOINT_INTERVAL_S: integer(1, 86_400, 60).describe("Seconds between two checkpoints."),
    DATA_DIR: text.meta({
      description: "The folder of the built-in database, in local mode without DATABASE_URL.",
      otherwise: ".data",
    }),
    REPLICA: z
      .string()
      .regex(/^[\w.:-]{1,64}$/, "must be 1 to 64 letters, digits, dots, colons, dashes or underscores")
      .optional()
      .meta({
        description: "The name of this process in the record.",
        otherwise: "the host's name and the process id",
      }),
  },
} satisfies VariableGroup;

const WEBHOOKS = {
  title: "Webhooks",
  variables: {
    WEBHOOKS_FILE: text.describe(
      "The receivers of events (JSON or YAML): addresses, secrets and types of events. See docs/operators/webhooks.md. " +
        "Without it the gateway sends no event. A changed file takes effect within five seconds.",
    ),
  },
} satisfies VariableGroup;

/** The variables of the commands that call a running gateway. The gateway accepts them in its environment. */
const CLIENT_VARIABLES = {
  title: "Commands that call a running gateway",
  introduction:
    "cam-gateway doctor, mfa, report and rollout use these variables. Their options override them. The gateway ignores them.",
  variables: {
    GATEWAY_URL: text.meta({
      description: "The GraphQL address of the gateway, as --url.",
      otherwise: "http://127.0.0.1:4000/graphql, the address of local mode",
    }),
    GATEWAY_TOKEN: text.describe("The bearer token that the command sends."),
    GATEWAY_TOKEN_FILE: text.meta({
      description: "A file with that token, as --token-file.",
      excludes: "GATEWAY_TOKEN",
    }),
  },
} satisfies VariableGroup;

/** All groups, in the order of --help, .env.example and the documentation. */
export const VARIABLE_GROUPS: readonly VariableGroup[] = [
  ...HTTP_VARIABLES,
  CALLERS,
  POLICY,
  ...CAM_VARIABLES,
  DIRECTORY,
  WEBHOOKS,
  RECORD,
  CLIENT_VARIABLES,
];

const [gateway, admin] = HTTP_VARIABLES;
const [cam, calls, keys, accounts] = CAM_VARIABLES;

export const variables = z.object({
  ...gateway.variables,
  ...admin.variables,
  ...CALLERS.variables,
  ...POLICY.variables,
  ...cam.variables,
  ...calls.variables,
  ...keys.variables,
  ...accounts.variables,
  ...DIRECTORY.variables,
  ...WEBHOOKS.variables,
  ...RECORD.variables,
  ...CLIENT_VARIABLES.variables,
});

/** The further columns of the table. */
interface VariableMeta {
  readonly description?: string | undefined;
  /** The default in words, if it depends on something else. */
  readonly otherwise?: string;
  readonly range?: string;
  /** Another variable that must be set too. */
  readonly needs?: string;
  /** Another variable that must not be set too. */
  readonly excludes?: string;
}

/** Returns the metadata of a schema and of the schemas inside it. */
export function metaOf(schema: z.core.$ZodType): VariableMeta {
  const inner = unwrap(schema);
  return { ...z.globalRegistry.get(inner), ...z.globalRegistry.get(schema) };
}

/** Returns the schema without its default and its permission to be absent. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? schema.unwrap() : schema;
}

export type Variables = z.output<typeof variables>;

/** `local` starts what it needs on this machine. `server` has no default that could be unsafe. */
export type Mode = "local" | "server";

/** The input of the functions that read one part of the configuration. They add mistakes to `problems`. */
export interface ConfigInput {
  readonly vars: Variables;
  readonly env: Environment;
  readonly mode: Mode;
  readonly problems: string[];
  /** Facts for the operator at the start. They are not mistakes. */
  readonly notices: string[];
}
