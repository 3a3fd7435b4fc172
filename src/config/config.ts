import { hostname } from "node:os";
import type { AuthSettings } from "../auth/auth-files.ts";
import { Secret } from "../secret.ts";
import { type AccountsSettings, readAccountsSettings } from "./accounts-file.ts";
import { readAuthSettings, readPolicyFile, readProxyAddresses } from "./auth-settings.ts";
import { type CamConnection, LOOPBACK_NAMES, readCamConnection } from "./cam-connection.ts";
import { type DirectorySettings, readDirectorySettings } from "./directory-settings.ts";
import {
  type CheckpointSettings,
  readCheckpointSettings,
  readStoreSettings,
  type StoreSettings,
} from "./record-settings.ts";
import { problemsOfNames, withoutServiceLinks } from "./variable-names.ts";
import {
  type ConfigInput,
  type Environment,
  type LogLevel,
  type Mode,
  metaOf,
  type Variables,
  variables,
} from "./variables.ts";
import { readWebhooksSettings, type WebhooksSettings } from "./webhooks-file.ts";

/**
 * The typed configuration and how it is read from the environment. The table of variables is in variables.ts; the parts
 * that take more than a few lines are in files of this folder. Nothing here opens a file: loaders elsewhere do.
 */
export interface Config {
  readonly mode: Mode;
  readonly http: HttpConfig;
  /** The admin port. Undefined: none, in local mode only. */
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  /** How callers authenticate. Undefined: every caller is the developer, in local mode only. */
  readonly auth: AuthSettings | undefined;
  /** Undefined: scopes alone decide, in local mode only. */
  readonly policyFile: string | undefined;
  /** The number of users that one caller may change before a pause. 0 sets no limit. */
  readonly bulkGuard: { readonly users: number; readonly withinMs: number };
  /** The CAM of the default account. Undefined: the embedded emulator, in local mode only. */
  readonly cam: CamConnection | undefined;
  /** Further accounts. */
  readonly accounts: AccountsSettings | undefined;
  readonly camLimits: {
    readonly language: "en-US" | "zh-CN";
    /** For one attempt. */
    readonly timeoutMs: number;
    /** For a whole operation: its waits, attempts and read-backs. */
    readonly timeLimitMs: number;
    /** Calls of one action that may arrive at CAM in any second. */
    readonly ratePerSecond: number;
    /** Users with failed calls that open the circuit of an action. 0 never opens it. */
    readonly circuitFailures: number;
    /** How long queries may use a cached read of a user's protections. 0 disables the cache. */
    readonly flagsCacheMs: number;
  };
  readonly store: StoreSettings;
  readonly directory: DirectorySettings;
  /** Undefined: the gateway sends no webhooks. */
  readonly webhooks: WebhooksSettings | undefined;
  /** Undefined: no checkpoints of the record are signed. */
  readonly checkpoints: CheckpointSettings | undefined;
  /** The name of this process in the record. */
  readonly replica: string;
  readonly logLevel: LogLevel;
  /** Undefined: the gateway loads no SDK of OpenTelemetry. */
  readonly openTelemetry: { readonly metricsExporter: string | undefined } | undefined;
  readonly notices: readonly string[];
}

interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Undefined for plain HTTP. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly playground: boolean;
  /** Undefined without the console. It signs people in unless `signIn` is undefined. */
  readonly console: { readonly signIn: ConsoleSignIn | undefined } | undefined;
  readonly introspection: boolean;
  /** The accepted names in a Host header; undefined for any. */
  readonly hostnames: readonly string[] | undefined;
  /** The average rate of one caller's requests. 0 sets no limit. */
  readonly callerRatePerSecond: number;
  readonly maxConnections: number;
  /** How long a connection waits for its next request. */
  readonly keepAliveMs: number;
  /** The addresses and networks of proxies, which connect for many clients. */
  readonly proxies: readonly string[];
  readonly trustedDocuments:
    | { readonly mode: "audit" | "enforce"; readonly manifestFile: string }
    | undefined;
}

/** How people sign in to the console by OpenID Connect. */
interface ConsoleSignIn {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
}

/** All mistakes of a configuration in one message. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  /** The configuration without the mistakes, so that a caller can check the files that it names too. */
  readonly remains: Config | undefined;

  constructor(problems: readonly string[], remains?: Config) {
    super(["The configuration cannot be used:", ...problems.map((problem) => `  - ${problem}`)].join("\n"));
    this.problems = problems;
    this.remains = remains;
  }
}

/** The exit code of sysexits.h for an invalid configuration. A restart does not help. */
export const EX_CONFIG = 78;

/** The loopback addresses of this machine, as HOST and ADMIN_HOST name them. */
export const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "::1", "localhost"];

/** More users than a person changes by hand. 0 in local mode, because the developer is the only caller. */
const BULK_GUARD_USERS = { server: 100, local: 0 } as const;

/**
 * Reads the configuration from the environment, and freezes it.
 *
 * @throws ConfigError that lists every mistake.
 */
export function loadConfig(processEnv: Environment, mode: Mode): Config {
  // An empty variable counts as not set: compose files and shells write `CAM_ENDPOINT=` to mean "none".
  const given = Object.fromEntries(Object.entries(processEnv).filter(([, value]) => value?.trim()));
  const notices: string[] = [];
  const env = withoutServiceLinks(given, notices);
  const problems = problemsOfNames(env);
  const vars = parseVariables(env, problems);
  const config = assemble({ vars, env, mode, problems, notices });
  if (problems.length > 0) throw new ConfigError(problems, config);
  return deepFreeze(config);
}

/** Parses each variable. A variable that is wrong by itself counts as not set, so that the other checks still run. */
function parseVariables(env: Environment, problems: string[]): Variables {
  const { error } = variables.safeParse(env);
  const issues = error?.issues ?? [];
  problems.push(...issues.map(({ path, message }) => `${path.join(".")} ${message}.`));
  problems.push(...problemsOfConditions(env));
  const wrong = new Set(issues.map(({ path }) => path[0]));
  return variables.parse(Object.fromEntries(Object.entries(env).filter(([name]) => !wrong.has(name))));
}

/** Checks the table's columns `needs` and `excludes`. */
function problemsOfConditions(env: Environment): readonly string[] {
  return Object.entries(variables.shape).flatMap(([name, schema]) => {
    const { needs, excludes } = env[name] === undefined ? {} : metaOf(schema);
    return [
      ...(needs !== undefined && env[needs] === undefined ? [`${name} is set without ${needs}.`] : []),
      ...(excludes !== undefined && env[excludes] !== undefined
        ? [`Set only one of ${excludes} and ${name}.`]
        : []),
    ];
  });
}

function assemble(input: ConfigInput): Config {
  const { vars, mode, problems, notices } = input;
  if (vars.CAM_TIMEOUT_MS > vars.CAM_DEADLINE_MS) {
    problems.push(
      `CAM_TIMEOUT_MS (${vars.CAM_TIMEOUT_MS}) is longer than CAM_DEADLINE_MS (${vars.CAM_DEADLINE_MS}), the ` +
        "time for all attempts together.",
    );
  }
  return {
    mode,
    http: readHttpConfig(input),
    admin: readAdminConfig(input),
    auth: readAuthSettings(input),
    policyFile: readPolicyFile(input),
    bulkGuard: {
      users: vars.BULK_GUARD_USERS ?? BULK_GUARD_USERS[mode],
      withinMs: vars.BULK_GUARD_MINUTES * 60_000,
    },
    cam: readCamConnection(input),
    accounts: readAccountsSettings(input),
    camLimits: {
      language: vars.CAM_LANGUAGE,
      timeoutMs: vars.CAM_TIMEOUT_MS,
      timeLimitMs: vars.CAM_DEADLINE_MS,
      ratePerSecond: vars.CAM_RATE_PER_SECOND,
      circuitFailures: vars.CAM_CIRCUIT_FAILURES,
      flagsCacheMs: vars.CAM_FLAGS_CACHE_MS,
    },
    store: readStoreSettings(input),
    directory: readDirectorySettings(input),
    webhooks: readWebhooksSettings(input),
    checkpoints: readCheckpointSettings(input),
    replica: vars.REPLICA ?? `${hostname()}:${process.pid}`,
    logLevel: vars.LOG_LEVEL,
    openTelemetry: readOpenTelemetry(input.env),
    notices,
  };
}

function readHttpConfig(input: ConfigInput): HttpConfig {
  const { vars, mode, problems, notices } = input;
  const { HOST: host, TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = vars;
  const { TRUSTED_DOCUMENTS: trusted, TRUSTED_DOCUMENTS_FILE: manifestFile } = vars;
  const isLoopback = LOOPBACK_HOSTS.includes(host);
  if (mode === "local" && !isLoopback) {
    problems.push(
      `HOST ${host} is not a loopback address. Local mode only listens on ${LOOPBACK_HOSTS.join(", ")}.`,
    );
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    problems.push("Set both TLS_CERT_FILE and TLS_KEY_FILE, or neither for plain HTTP.");
  }
  if (certFile === undefined && !isLoopback) {
    notices.push(
      `HOST is ${host} without TLS_CERT_FILE: tokens travel unencrypted unless a proxy terminates TLS.`,
    );
  }
  if (trusted !== "off" && manifestFile === undefined) {
    problems.push(
      `TRUSTED_DOCUMENTS=${trusted} needs TRUSTED_DOCUMENTS_FILE, the manifest of the documents.`,
    );
  }
  if (trusted === "off" && manifestFile !== undefined) {
    problems.push("TRUSTED_DOCUMENTS_FILE has no meaning unless TRUSTED_DOCUMENTS is audit or enforce.");
  }
  const byMode = mode === "local" ? "on" : "off";
  return {
    host,
    port: vars.PORT,
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    playground: (vars.PLAYGROUND ?? byMode) === "on",
    console: readConsole(input, byMode),
    introspection: (vars.INTROSPECTION ?? vars.PLAYGROUND ?? byMode) === "on",
    hostnames: mode === "local" ? LOOPBACK_NAMES : undefined,
    callerRatePerSecond: vars.CALLER_RATE_PER_SECOND,
    maxConnections: vars.MAX_CONNECTIONS,
    keepAliveMs: vars.KEEP_ALIVE_TIMEOUT_S * 1_000,
    proxies: readProxyAddresses(input),
    trustedDocuments:
      trusted === "off" || manifestFile === undefined ? undefined : { mode: trusted, manifestFile },
  };
}

/** Signs people in at AUTH_ISSUER if callers authenticate, because a page cannot hold a certificate or a secret. */
function readConsole({ vars, problems }: ConfigInput, byMode: "on" | "off"): HttpConfig["console"] {
  const { AUTH_ISSUER: issuer, AUTH_ISSUERS_FILE: issuers, CONSOLE_CLIENT_ID: clientId } = vars;
  if ((vars.CONSOLE ?? byMode) === "off") return undefined;
  if (issuer === undefined && issuers === undefined && byMode === "on") return { signIn: undefined };
  if (issuer !== undefined && clientId !== undefined) {
    return { signIn: { issuer, clientId, scope: vars.CONSOLE_SCOPE } };
  }
  if (vars.CONSOLE === "on") {
    problems.push("CONSOLE=on needs AUTH_ISSUER and CONSOLE_CLIENT_ID, with which people sign in.");
  }
  return undefined;
}

/** The port of Prometheus exporters of OpenTelemetry. */
const ADMIN_PORT = 9464;

function readAdminConfig({ vars, mode, problems }: ConfigInput): Config["admin"] {
  const { ADMIN_HOST: host, HOST, PORT } = vars;
  const port = vars.ADMIN_PORT ?? (mode === "server" ? ADMIN_PORT : undefined);
  if (port === undefined) return undefined;
  if (port !== 0 && port === PORT && host === HOST) {
    problems.push(`ADMIN_PORT and PORT are both ${port}. Set another ADMIN_PORT.`);
  }
  return { host, port };
}

/** The variables that name a destination of telemetry. The SDK reads them and all other OTEL_* variables itself. */
const OTEL_DESTINATION = /^OTEL_(EXPORTER_OTLP_(TRACES_|METRICS_)?ENDPOINT|(TRACES|METRICS)_EXPORTER)$/;

function readOpenTelemetry(env: Environment): Config["openTelemetry"] {
  const isWanted = Object.entries(env).some(
    ([name, value]) => OTEL_DESTINATION.test(name) && value?.trim() !== "none",
  );
  if (!isWanted || env["OTEL_SDK_DISABLED"]?.trim().toLowerCase() === "true") return undefined;
  return { metricsExporter: env["OTEL_METRICS_EXPORTER"] };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
