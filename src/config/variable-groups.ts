import type { Variables } from "./variables.ts";

export interface VariableGroup {
  readonly title: string;
  /** What each is, in few words. Defaults are known elsewhere. */
  readonly summaries: Readonly<Partial<Record<keyof Variables, string>>>;
}

/** The variables as `--help` lists them, in the order and groups of .env.example, where each is explained in full. */
export const variableGroups: readonly VariableGroup[] = [
  {
    title: "The gateway itself",
    summaries: {
      HOST: "the address where it listens",
      PORT: "the port; 0 takes a free one",
      TLS_CERT_FILE: "the certificate with its chain, in PEM, for HTTPS",
      TLS_KEY_FILE: "its key",
      PLAYGROUND: "on or off; on in local mode alone, unless set",
      INTROSPECTION: "on or off; as PLAYGROUND, unless set",
      CALLER_RATE_PER_SECOND: "requests that one caller may make; 0 for any number",
      MAX_CONNECTIONS: "open connections; a quarter of them for one address",
      KEEP_ALIVE_TIMEOUT_S: "seconds that a connection waits for its next request",
      TRUSTED_DOCUMENTS: "off, audit or enforce: operations of a manifest alone",
      TRUSTED_DOCUMENTS_FILE: "that manifest",
      LOG_LEVEL: "fatal, error, warn, info, debug, trace or silent",
    },
  },
  {
    title: "Who may call",
    summaries: {
      AUTH_ISSUER: "who issues the callers' tokens: their iss",
      AUTH_JWKS_URL: "where its keys are, if it does not say so itself",
      AUTH_JWKS_FILE: "or the file that has them",
      AUTH_AUDIENCE: "whom tokens are meant for: their aud",
      AUTH_AUDIENCE_CLAIM: "the claim that says so",
      AUTH_ALGORITHMS: "how tokens may be signed",
      AUTH_CLOCK_TOLERANCE_S: "seconds that the issuer's clock may be off",
      AUTH_REQUIRED_CLAIMS: "claims that a token must have besides",
      AUTH_CLIENT_CLAIMS: "the claims that may name the client, in order",
      AUTH_SCOPE_CLAIM: "the claim with the scopes",
      AUTH_SCOPE_PREFIXES: "texts that the issuer puts in front of our scopes",
      AUTH_ROLE_CLAIM: "the claim with roles",
      AUTH_ISSUERS_FILE: "several issuers, instead of the above",
      AUTH_CLIENT_CERT_HEADER: "the header by which a proxy tells of client certificates",
      AUTH_CLIENT_CERT_SCOPES: "what callers with one may do",
      AUTH_CLIENT_CERT_SUBJECTS_FILE: "whose certificates they are, as tokens name people",
      AUTH_PROXY_ADDRESSES: "the proxies that are believed, and have no part of MAX_CONNECTIONS of their own",
      ROUTER_SECRET: "what the router sends in x-router-secret",
      ROUTER_SECRET_FILE: "the file that holds it",
    },
  },
  {
    title: "Who may change whom",
    summaries: {
      POLICY_FILE: "the policy",
      BULK_GUARD_USERS: "users whom a caller may change before a pause; 0 for any number",
      BULK_GUARD_MINUTES: "the time in which they count",
    },
  },
  {
    title: "Where CAM is",
    summaries: {
      CAM_ENDPOINT: "https://cam.tencentcloudapi.com, for example",
      CAM_SERVICE_HOST: "the Host header, where it is another",
      CAM_LANGUAGE: "en-US or zh-CN: of CAM's messages in the log",
    },
  },
  {
    title: "How calls to CAM are made",
    summaries: {
      CAM_TIMEOUT_MS: "milliseconds for one attempt",
      CAM_DEADLINE_MS: "milliseconds for a whole operation",
      CAM_RATE_PER_SECOND: "calls of one action that may arrive in a second",
      CAM_CIRCUIT_FAILURES: "users of failed calls that open the circuit; 0 never opens it",
      CAM_FLAGS_CACHE_MS: "milliseconds for which protections, once read, are good",
    },
  },
  {
    title: "The Tencent Cloud key",
    summaries: {
      TENCENTCLOUD_SECRET_ID: "the key's id",
      TENCENTCLOUD_SECRET_ID_FILE: "the file that holds it",
      TENCENTCLOUD_SECRET_KEY: "the key's secret",
      TENCENTCLOUD_SECRET_KEY_FILE: "the file that holds it",
      TENCENTCLOUD_SESSION_TOKEN: "the token of a temporary key",
      TENCENTCLOUD_SESSION_TOKEN_FILE: "the file that holds it",
      TENCENTCLOUD_SECURITY_TOKEN: "Terraform's name for that token",
      TENCENTCLOUD_SECURITY_TOKEN_FILE: "the file that holds it",
      TENCENTCLOUD_TOKEN: "another name for that token",
      TENCENTCLOUD_TOKEN_FILE: "the file that holds it",
      TENCENTCLOUD_PROFILE: "a section of ~/.tencentcloud/credentials",
      TENCENTCLOUD_CAM_ROLE_NAME: "the role of this instance (CVM)",
      CAM_METADATA_ENDPOINT: "where instances ask for the keys of their role",
      TKE_REGION: "these four TKE sets in a pod with a role",
      TKE_PROVIDER_ID: "its identity provider",
      TKE_WEB_IDENTITY_TOKEN_FILE: "its mounted token",
      TKE_ROLE_ARN: "its role",
      TENCENTCLOUD_ROLE_ARN: "a role to assume with the key that was found",
      TENCENTCLOUD_ROLE_SESSION_NAME: "what CAM's trail shows beside the role",
      TENCENTCLOUD_ROLE_EXTERNAL_ID: "the word that a partner's role may ask for",
      TENCENTCLOUD_ROLE_DURATION_SECONDS: "seconds that a key of that role lasts",
      TENCENTCLOUD_REGION: "the region whose STS is asked",
    },
  },
  {
    title: "Further accounts of Tencent Cloud",
    summaries: { CAM_ACCOUNTS: "the file that names them" },
  },
  {
    title: "The record",
    summaries: {
      DATABASE_URL: "postgres://user:password@host:5432/database",
      DATABASE_URL_FILE: "the file that holds it, read for each new connection",
      DATABASE_MAX_CONNECTIONS: "connections to it: for changes, the quota and reads; 3 at least",
      AUDIT_SIGNING_KEY_FILE: "an Ed25519 key that signs where the record stands",
      AUDIT_PREVIOUS_KEY_FILE: "the key before it, while keys are changed",
      AUDIT_ANCHOR_FILE: "where a replica keeps what it has signed; log for the log alone",
      AUDIT_CHECKPOINT_INTERVAL_S: "how often, in seconds",
      DATA_DIR: "the folder of local mode's built-in database; .data, unless set",
      REPLICA: "the name of this process on record",
    },
  },
];
