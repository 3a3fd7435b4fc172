import { hostname } from "node:os";
import { parseArgs } from "node:util";
import type { AuthSettings } from "../auth/auth-files.ts";
import { Secret } from "../secret.ts";
import { type AccountsTarget, accountsTarget } from "./accounts-file.ts";
import { authTarget, policySetting, proxyAddresses } from "./auth-variables.ts";
import { type CamTarget, camTarget, LOOPBACK_NAMES } from "./cam-settings.ts";
import {
  type CheckpointSettings,
  checkpointSettings,
  type StoreTarget,
  storeTarget,
} from "./record-settings.ts";
import { misspeltTencentCloudNames, withoutServiceLinks } from "./variable-names.ts";
import { type Environment, type LogLevel, type Variables, variables } from "./variables.ts";

/** Everything that can be configured, checked. Frozen: what runs is what was checked. */
export interface Config {
  /** `local` brings up what it needs on this machine; `server` defaults nothing that could be unsafe. */
  readonly mode: "local" | "server";
  readonly http: HttpConfig;
  /** By what callers are known, or undefined for the development caller, whom only local mode has. */
  readonly auth: AuthSettings | undefined;
  /** Who may change whom; undefined where the scopes alone decide, which only local mode allows. */
  readonly policyFile: string | undefined;
  /** When a caller who changes many users is paused. */
  readonly bulkGuard: BulkGuardSetting;
  /** The real CAM, or undefined for the embedded emulator, which only local mode has. */
  readonly cam: CamTarget | undefined;
  /** Further accounts, beside that of `cam`. */
  readonly accounts: AccountsTarget | undefined;
  readonly camLimits: {
    readonly language: "en-US" | "zh-CN";
    /** For one attempt. */
    readonly timeoutMs: number;
    /** For a whole operation: its waits, attempts and read-backs. */
    readonly deadlineMs: number;
    /** Calls of one action that may arrive at CAM in any second. */
    readonly ratePerSecond: number;
    /** From how many users with failed calls of one action on its circuit may open; 0 never opens it. */
    readonly circuitFailures: number;
    /** How long a user's protections, once read, are good enough for other operations; 0 for no time. */
    readonly flagsCacheMs: number;
  };
  readonly store: StoreTarget;
  /** Undefined where no checkpoints of the record are signed. */
  readonly checkpoints: CheckpointSettings | undefined;
  /** Names this process in the record of changes. */
  readonly replica: string;
  readonly logLevel: LogLevel;
  /** What the operator should hear at start-up, though it is no mistake. */
  readonly notices: readonly string[];
}

interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Undefined for plain HTTP. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly playground: boolean;
  readonly introspection: boolean;
  /** The only names in a Host header that are answered; undefined for any. */
  readonly hostnames: readonly string[] | undefined;
  /** Requests that one caller may make, on average; 0 for any number. */
  readonly callerRatePerSecond: number;
  readonly maxConnections: number;
  /** How long a connection waits for its next request. */
  readonly keepAliveMs: number;
  /** Addresses and networks that connect for many clients. */
  readonly proxies: readonly string[];
  readonly trustedDocuments:
    | { readonly mode: "audit" | "enforce"; readonly manifestFile: string }
    | undefined;
}

/** Every problem of a configuration in one message. The process ends with EX_CONFIG. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  /** What is left of the configuration without them, so that the files which it names can be checked as well. */
  readonly remains: Config | undefined;

  constructor(problems: readonly string[], remains?: Config) {
    super(["The configuration cannot be used:", ...problems.map((problem) => `  - ${problem}`)].join("\n"));
    this.problems = problems;
    this.remains = remains;
  }
}

/** sysexits.h: something in the configuration is wrong, and starting again will not help. */
export const EX_CONFIG = 78;

type Command =
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "check-config"; readonly config: Config }
  | { readonly kind: "help" };

const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "::1", "localhost"];

/**
 * Reads flags and environment. Pure: it opens no file and no socket, so whether a credentials file exists is
 * found out when the gateway starts.
 *
 * @throws ConfigError that lists every problem at once.
 */
export function loadConfig(env: Environment, argv: readonly string[]): Command {
  const flags = parseFlags(argv);
  if (flags.help) return { kind: "help" };
  // An empty variable is an unset one: compose files and shells write `CAM_ENDPOINT=` to mean "none".
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const notices: string[] = [];
  const set = withoutServiceLinks(given, notices);
  const problems = [...unknownVariables(set), ...misspeltTencentCloudNames(set)];
  const vars = parseVariables(set, problems);
  const config = assemble(vars, set, flags.local ? "local" : "server", problems, notices);
  if (problems.length > 0) throw new ConfigError(problems, config);
  return { kind: flags["check-config"] ? "check-config" : "run", config: deepFreeze(config) };
}

function parseFlags(argv: readonly string[]) {
  try {
    const options = {
      local: { type: "boolean" },
      "check-config": { type: "boolean" },
      help: { type: "boolean", short: "h" },
    } as const;
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError([
      `${(error as Error).message.split("\n")[0]?.replace(/\.?$/, ".")} Flags: --local, --check-config, --help.`,
    ]);
  }
}

/** What is wrong by itself counts as unset afterwards, so that the rules across variables are checked as well. */
function parseVariables(env: Environment, problems: string[]): Variables {
  const parsed = variables.safeParse(env);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  problems.push(...issues.map(({ path, message }) => `${path.join(".")} ${message}.`));
  const wrong = new Set(issues.map(({ path }) => path[0]));
  return variables.parse(Object.fromEntries(Object.entries(env).filter(([name]) => !wrong.has(name))));
}

/** Beginnings of names that nobody else uses for anything. */
const OURS = /^(AUTH|CAM(?!_EMULATOR)|ROUTER|TLS|TRUSTED_DOCUMENTS|AUDIT|POLICY|CALLER)_/;

/** What Kubernetes puts into every pod for a service of such a name. */
const OF_SERVICES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** A misspelt CAM_RATE_PER_SECONDS would otherwise be silently the default. */
function unknownVariables(env: Environment): string[] {
  const known = new Set(Object.keys(variables.shape));
  return Object.keys(env)
    .filter((name) => OURS.test(name) && !OF_SERVICES.test(name) && !known.has(name))
    .map((name) => `${name} is not a variable of the gateway; see --help for those that are.`);
}

function assemble(
  vars: Variables,
  env: Environment,
  mode: Config["mode"],
  problems: string[],
  notices: string[],
): Config {
  if (mode === "local" && !LOOPBACK_HOSTS.includes(vars.HOST)) {
    problems.push(
      `HOST ${vars.HOST} is not a loopback address. Local mode is for this machine and only listens on ` +
        `${LOOPBACK_HOSTS.join(", ")}.`,
    );
  }
  if (vars.CAM_TIMEOUT_MS > vars.CAM_DEADLINE_MS) {
    problems.push(
      `CAM_TIMEOUT_MS (${vars.CAM_TIMEOUT_MS}) is longer than CAM_DEADLINE_MS (${vars.CAM_DEADLINE_MS}), the ` +
        "time for all attempts together.",
    );
  }
  return {
    mode,
    http: httpConfig(vars, mode, problems, notices),
    auth: authTarget(vars, mode, problems),
    policyFile: policySetting(vars, mode, problems),
    bulkGuard: bulkGuard(vars, mode),
    cam: camTarget(vars, env, mode, problems, notices),
    accounts: accountsTarget(vars, env, mode),
    camLimits: {
      language: vars.CAM_LANGUAGE,
      timeoutMs: vars.CAM_TIMEOUT_MS,
      deadlineMs: vars.CAM_DEADLINE_MS,
      ratePerSecond: vars.CAM_RATE_PER_SECOND,
      circuitFailures: vars.CAM_CIRCUIT_FAILURES,
      flagsCacheMs: vars.CAM_FLAGS_CACHE_MS,
    },
    store: storeTarget(vars, mode, problems),
    checkpoints: checkpointSettings(vars, problems),
    replica: vars.REPLICA ?? `${hostname()}:${process.pid}`,
    logLevel: vars.LOG_LEVEL,
    notices,
  };
}

function httpConfig(
  vars: Variables,
  mode: Config["mode"],
  problems: string[],
  notices: string[],
): HttpConfig {
  const inLocalMode = mode === "local" ? "on" : "off";
  const { TRUSTED_DOCUMENTS: trusted, TRUSTED_DOCUMENTS_FILE: manifestFile } = vars;
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = vars;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    problems.push("Set both TLS_CERT_FILE and TLS_KEY_FILE, or neither for plain HTTP.");
  }
  if (certFile === undefined && !LOOPBACK_HOSTS.includes(vars.HOST)) {
    notices.push(
      `HOST is ${vars.HOST} without TLS_CERT_FILE: tokens travel unencrypted unless a proxy in front ends TLS.`,
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
  return {
    host: vars.HOST,
    port: vars.PORT,
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    playground: (vars.PLAYGROUND ?? inLocalMode) === "on",
    introspection: (vars.INTROSPECTION ?? vars.PLAYGROUND ?? inLocalMode) === "on",
    hostnames: mode === "local" ? LOOPBACK_NAMES : undefined,
    callerRatePerSecond: vars.CALLER_RATE_PER_SECOND,
    maxConnections: vars.MAX_CONNECTIONS,
    keepAliveMs: vars.KEEP_ALIVE_TIMEOUT_S * 1_000,
    proxies: proxyAddresses(vars, problems),
    trustedDocuments:
      trusted === "off" || manifestFile === undefined ? undefined : { mode: trusted, manifestFile },
  };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/** How many users one caller may change; 0 for any number. */
interface BulkGuardSetting {
  readonly users: number;
  readonly withinMs: number;
}

/** More users than people change by hand. */
const USERS_IN_SERVER_MODE = 100;

/** In local mode there is only one caller, and nobody to ask. */
export function bulkGuard(
  { BULK_GUARD_USERS: users, BULK_GUARD_MINUTES: minutes }: Variables,
  mode: "local" | "server",
): BulkGuardSetting {
  return { users: users ?? (mode === "server" ? USERS_IN_SERVER_MODE : 0), withinMs: minutes * 60_000 };
}
