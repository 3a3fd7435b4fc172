import { z } from "zod";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`);

const integer = (minimum: number, maximum: number, fallback: number) =>
  wholeNumber(minimum, maximum).default(fallback);

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` });

/** One row a variable; `.env.example` is compared with this. */
export const variables = z.object({
  HOST: z.string().default("127.0.0.1"),
  PORT: integer(0, 65_535, 4000),
  TLS_CERT_FILE: z.string().optional(),
  TLS_KEY_FILE: z.string().optional(),
  PLAYGROUND: oneOf(["on", "off"]).optional(),
  INTROSPECTION: oneOf(["on", "off"]).optional(),
  CALLER_RATE_PER_SECOND: integer(0, 100_000, 100),
  MAX_CONNECTIONS: integer(1, 100_000, 1_000),
  KEEP_ALIVE_TIMEOUT_S: integer(1, 86_400, 620),
  TRUSTED_DOCUMENTS: oneOf(["off", "audit", "enforce"]).default("off"),
  TRUSTED_DOCUMENTS_FILE: z.string().optional(),
  LOG_LEVEL: oneOf(LOG_LEVELS).default("info"),
  AUTH_ISSUER: z.string().optional(),
  AUTH_JWKS_URL: z.string().optional(),
  AUTH_JWKS_FILE: z.string().optional(),
  AUTH_AUDIENCE: z.string().optional(),
  AUTH_AUDIENCE_CLAIM: z.string().default("aud"),
  AUTH_ALGORITHMS: z.string().default("RS256,PS256,ES256,EdDSA"),
  AUTH_CLOCK_TOLERANCE_S: integer(0, 300, 10),
  AUTH_REQUIRED_CLAIMS: z.string().optional(),
  AUTH_CLIENT_CLAIMS: z.string().default("azp,client_id,cid,appid"),
  AUTH_SCOPE_CLAIM: z.string().default("scope"),
  AUTH_SCOPE_PREFIXES: z.string().optional(),
  AUTH_ROLE_CLAIM: z.string().optional(),
  AUTH_ISSUERS_FILE: z.string().optional(),
  AUTH_CLIENT_CERT_HEADER: z
    .string()
    .regex(/^[a-z0-9-]+$/i, "must be the name of a header")
    .optional(),
  AUTH_CLIENT_CERT_SCOPES: z.string().optional(),
  AUTH_CLIENT_CERT_SUBJECTS_FILE: z.string().optional(),
  AUTH_PROXY_ADDRESSES: z.string().optional(),
  ROUTER_SECRET: z.string().optional(),
  ROUTER_SECRET_FILE: z.string().optional(),
  POLICY_FILE: z.string().optional(),
  BULK_GUARD_USERS: wholeNumber(0, 1_000_000).optional(),
  BULK_GUARD_MINUTES: integer(1, 1_440, 10),
  CAM_ENDPOINT: z.string().optional(),
  CAM_SERVICE_HOST: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i, "must be a host name, with a port if need be")
    .optional(),
  CAM_LANGUAGE: oneOf(["en-US", "zh-CN"]).default("en-US"),
  CAM_TIMEOUT_MS: integer(50, 60_000, 5_000),
  CAM_DEADLINE_MS: integer(100, 300_000, 15_000),
  CAM_RATE_PER_SECOND: integer(1, 1_000, 20),
  CAM_CIRCUIT_FAILURES: integer(0, 1_000, 5),
  CAM_FLAGS_CACHE_MS: integer(0, 60_000, 0),
  CAM_ACCOUNTS: z.string().optional(),
  DATABASE_URL: z.string().optional(),
  DATABASE_URL_FILE: z.string().optional(),
  DATABASE_MAX_CONNECTIONS: integer(3, 1_000, 10),
  AUDIT_SIGNING_KEY_FILE: z.string().optional(),
  AUDIT_PREVIOUS_KEY_FILE: z.string().optional(),
  AUDIT_ANCHOR_FILE: z.string().optional(),
  AUDIT_CHECKPOINT_INTERVAL_S: integer(1, 86_400, 60),
  DATA_DIR: z.string().optional(),
  REPLICA: z
    .string()
    .regex(/^[\w.:-]{1,64}$/, "must be 1 to 64 letters, digits, dots, colons, dashes or underscores")
    .optional(),
  TENCENTCLOUD_SECRET_ID: z.string().optional(),
  TENCENTCLOUD_SECRET_ID_FILE: z.string().optional(),
  TENCENTCLOUD_SECRET_KEY: z.string().optional(),
  TENCENTCLOUD_SECRET_KEY_FILE: z.string().optional(),
  TENCENTCLOUD_SESSION_TOKEN: z.string().optional(),
  TENCENTCLOUD_SESSION_TOKEN_FILE: z.string().optional(),
  TENCENTCLOUD_SECURITY_TOKEN: z.string().optional(),
  TENCENTCLOUD_SECURITY_TOKEN_FILE: z.string().optional(),
  TENCENTCLOUD_TOKEN: z.string().optional(),
  TENCENTCLOUD_TOKEN_FILE: z.string().optional(),
  TENCENTCLOUD_PROFILE: z.string().optional(),
  TENCENTCLOUD_CAM_ROLE_NAME: z.string().optional(),
  CAM_METADATA_ENDPOINT: z.string().optional(),
  TKE_REGION: z.string().optional(),
  TKE_PROVIDER_ID: z.string().optional(),
  TKE_WEB_IDENTITY_TOKEN_FILE: z.string().optional(),
  TKE_ROLE_ARN: z.string().optional(),
  TENCENTCLOUD_ROLE_ARN: z.string().optional(),
  TENCENTCLOUD_ROLE_SESSION_NAME: z
    .string()
    .regex(/^[\w+=,.@-]{2,128}$/, "must be 2 to 128 letters, digits and any of + = , . @ _ -")
    .default("cam-mfa-gateway"),
  TENCENTCLOUD_ROLE_EXTERNAL_ID: z.string().optional(),
  TENCENTCLOUD_ROLE_DURATION_SECONDS: integer(1, 43_200, 7_200),
  TENCENTCLOUD_REGION: z
    .string()
    .regex(/^[a-z]{2}-[a-z0-9-]+$/, "must be a region, for example ap-guangzhou")
    .default("ap-guangzhou"),
});

export type Variables = z.output<typeof variables>;
