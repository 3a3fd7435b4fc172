import { z } from "zod";
import {
  HOST_NAME,
  HOST_NAME_RULE,
  integer,
  oneOf,
  region,
  sessionName,
  text,
  type VariableGroup,
} from "./variable-schemas.ts";

const CAM = {
  title: "CAM",
  variables: {
    CAM_ENDPOINT: text.describe(
      "The address of CAM: scheme, host and port alone, for example https://cam.tencentcloudapi.com. Server mode " +
        "requires it. In local mode without it, an emulator on this machine replaces CAM.",
    ),
    CAM_SERVICE_HOST: z
      .string()
      .regex(HOST_NAME, HOST_NAME_RULE)
      .optional()
      .meta({
        description:
          "The Host header of calls to CAM, which the signature covers. Set it if CAM has another name on the network, " +
          "for example behind a private link.",
        otherwise: "the host of CAM_ENDPOINT",
        needs: "CAM_ENDPOINT",
      }),
    CAM_LANGUAGE: oneOf(["en-US", "zh-CN"])
      .default("en-US")
      .describe("The language of CAM's own messages, which only the log shows."),
  },
} satisfies VariableGroup;

const CALLS = {
  title: "Calls to CAM",
  variables: {
    CAM_TIMEOUT_MS: integer(50, 60_000, 5_000).describe(
      "Milliseconds for one attempt, from connecting to the last byte of the reply.",
    ),
    CAM_DEADLINE_MS: integer(100, 300_000, 15_000).describe(
      "Milliseconds for a whole operation with its waits, attempts and read-backs. It must be at least CAM_TIMEOUT_MS.",
    ),
    CAM_RATE_PER_SECOND: integer(1, 1_000, 20).describe(
      "Calls of one action that may arrive at CAM in any second. CAM accepts 20 for each key. Gateways that share a key " +
        "but no database must divide them.",
    ),
    CAM_CIRCUIT_FAILURES: integer(0, 1_000, 5).describe(
      "The number of users with failed calls within 30 seconds that opens the circuit breaker of an " +
        "action. They must also be at least half of all users. 0 never opens it. See " +
        "docs/operators/troubleshooting.md.",
    ),
    CAM_FLAGS_CACHE_MS: integer(0, 60_000, 0).describe(
      "Milliseconds for which queries may use a cached read of a user's protections. A change removes it immediately " +
        "in the replica that makes the change. Other changes show after this time. Changes never use the cache.",
    ),
  },
} satisfies VariableGroup;

const KEYS = {
  title: "The Tencent Cloud key",
  introduction:
    "The gateway takes the key from a pair of values or files, from a section of the official credentials file, from the " +
    "instance's role, or from TKE. It rereads files every minute, so a rotated secret needs no restart. The proxy for " +
    "CAM comes from HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
  variables: {
    TENCENTCLOUD_SECRET_ID: text.describe("The key's id."),
    TENCENTCLOUD_SECRET_ID_FILE: text.describe("A file with the key's id."),
    TENCENTCLOUD_SECRET_KEY: text.describe("The key's secret."),
    TENCENTCLOUD_SECRET_KEY_FILE: text.describe("A file with the key's secret."),
    TENCENTCLOUD_SESSION_TOKEN: text.describe("The session token of a temporary key."),
    TENCENTCLOUD_SESSION_TOKEN_FILE: text.describe("A file with the session token."),
    TENCENTCLOUD_SECURITY_TOKEN: text.describe(
      "Terraform's name for the session token. If several of the names are set, their values must be equal.",
    ),
    TENCENTCLOUD_SECURITY_TOKEN_FILE: text.describe("A file with the session token, by Terraform's name."),
    TENCENTCLOUD_TOKEN: text.describe("The name that some official tools use for the session token."),
    TENCENTCLOUD_TOKEN_FILE: text.describe("A file with the session token, by that name."),
    TENCENTCLOUD_PROFILE: text.describe(
      "A section of ~/.tencentcloud/credentials or /etc/tencentcloud/credentials, used if no pair is set.",
    ),
    TENCENTCLOUD_CAM_ROLE_NAME: text.describe(
      "The CAM role of the instance (CVM) on which the gateway runs. Its keys come from the instance's metadata service.",
    ),
    CAM_METADATA_ENDPOINT: text.meta({
      description:
        "The address of the metadata service: http://metadata.tencentyun.com, or an http address of this machine. Set " +
        "without TENCENTCLOUD_CAM_ROLE_NAME, the gateway reads the instance's role from the service.",
      otherwise: "http://metadata.tencentyun.com",
    }),
    TKE_REGION: text.describe(
      "The region of TKE. TKE sets all four TKE_ variables in a pod whose service account has a role.",
    ),
    TKE_PROVIDER_ID: text.describe("TKE's identity provider."),
    TKE_WEB_IDENTITY_TOKEN_FILE: text.describe("The token that TKE mounts into the pod."),
    TKE_ROLE_ARN: text.describe("The role of the pod's service account."),
    TENCENTCLOUD_ROLE_ARN: text.describe(
      "A role to assume with the key above: qcs::cam::uin/100000000001:roleName/mfa-gateway.",
    ),
    TENCENTCLOUD_ROLE_SESSION_NAME: sessionName.describe(
      "The session name of a role, which CloudAudit shows.",
    ),
    TENCENTCLOUD_ROLE_EXTERNAL_ID: text.meta({
      description: "The STS external ID that the role of a partner may require.",
      needs: "TENCENTCLOUD_ROLE_ARN",
    }),
    TENCENTCLOUD_ROLE_DURATION_SECONDS: integer(1, 43_200, 7_200).describe(
      "The lifetime in seconds of a key of TENCENTCLOUD_ROLE_ARN. The role sets the upper limit.",
    ),
    TENCENTCLOUD_REGION: region
      .default("ap-guangzhou")
      .describe("The region whose STS issues keys of TENCENTCLOUD_ROLE_ARN. CAM itself has no regions."),
  },
} satisfies VariableGroup;

const ACCOUNTS = {
  title: "Further Tencent Cloud accounts",
  variables: {
    CAM_ACCOUNTS: text.describe(
      "A JSON or YAML file that gives each account a name, an endpoint, keys and a rate. See docs/operators/accounts.md. " +
        "Callers name an account in the argument account. In server mode POLICY_FILE decides which callers may use it.",
    ),
  },
} satisfies VariableGroup;

/** The groups about CAM and the keys for it. */
export const CAM_VARIABLES = [CAM, CALLS, KEYS, ACCOUNTS] as const;
