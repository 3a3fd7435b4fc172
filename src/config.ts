import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import type { CamEndpoint, CredentialSource, EnvironmentCredentialSources } from "./cam/index.ts";
import { Secret } from "./secret.ts";

/** Everything that can be configured, checked. Frozen: what runs is what was checked. */
export interface Config {
  /** `local` brings up what it needs on this machine; `server` defaults nothing that could be unsafe. */
  readonly mode: "local" | "server";
  readonly http: { readonly host: string; readonly port: number; readonly playground: boolean };
  /** The real CAM, or undefined for the embedded emulator, which only local mode has. */
  readonly cam: CamTarget | undefined;
  readonly camLimits: {
    readonly language: "en-US" | "zh-CN";
    /** For one attempt. */
    readonly timeoutMs: number;
    /** For a whole operation: its waits, attempts and read-backs. */
    readonly deadlineMs: number;
    /** Calls of one action that may arrive at CAM in any second. */
    readonly callsPerSecond: number;
    /** Failures in a row of one action after which CAM is left alone for a while; 0 never does so. */
    readonly circuitFailures: number;
  };
  readonly store: StoreTarget;
  /** Where the key is that signs checkpoints of the record, and how often; undefined where none are signed. */
  readonly checkpoints: { readonly signingKeyFile: string; readonly intervalMs: number } | undefined;
  /** Names this process in the record of changes. */
  readonly replica: string;
  readonly logLevel: LogLevel;
  /** What the operator should hear at start-up, though it is no mistake. */
  readonly notices: readonly string[];
}

/** PostgreSQL, or PGlite in a folder of this machine, which only local mode has. */
export type StoreTarget =
  | { readonly kind: "postgres"; readonly url: CredentialSource }
  | { readonly kind: "pglite"; readonly dataDir: string };

export interface CamTarget {
  readonly endpoint: CamEndpoint;
  readonly credentials: {
    readonly environment: EnvironmentCredentialSources;
    readonly profile: {
      readonly name: string;
      readonly paths: readonly string[];
      readonly required: boolean;
    };
  };
  readonly proxy: { readonly http?: string; readonly https?: string; readonly except?: string };
}

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every problem of a configuration in one message. The process ends with EX_CONFIG. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(["The configuration cannot be used:", ...problems.map((problem) => `  - ${problem}`)].join("\n"));
    this.problems = problems;
  }
}

/** sysexits.h: something in the configuration is wrong, and starting again will not help. */
export const EX_CONFIG = 78;

export type Command =
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "check-config"; readonly config: Config }
  | { readonly kind: "help" };

export type Environment = Readonly<Record<string, string | undefined>>;

const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "::1", "localhost"];

/** The official SDKs look at these two, in this order. */
const PROFILE_PATHS = [join(homedir(), ".tencentcloud", "credentials"), "/etc/tencentcloud/credentials"];

const integer = (minimum: number, maximum: number, fallback: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum))
    .default(fallback);

/** One row a variable; `.env.example` is compared with this. */
export const variables = z.object({
  HOST: z.string().default("127.0.0.1"),
  PORT: integer(0, 65_535, 4000),
  PLAYGROUND: z.enum(["on", "off"]).optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  CAM_ENDPOINT: z.string().optional(),
  CAM_SERVICE_HOST: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i, "must be a host name, with a port if need be")
    .optional(),
  CAM_LANGUAGE: z.enum(["en-US", "zh-CN"]).default("en-US"),
  CAM_TIMEOUT_MS: integer(50, 60_000, 5_000),
  CAM_DEADLINE_MS: integer(100, 300_000, 15_000),
  CAM_RATE_PER_SECOND: integer(1, 1_000, 20),
  CAM_CIRCUIT_FAILURES: integer(0, 1_000, 10),
  DATABASE_URL: z.string().optional(),
  DATABASE_URL_FILE: z.string().optional(),
  AUDIT_SIGNING_KEY_FILE: z.string().optional(),
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
  TENCENTCLOUD_TOKEN: z.string().optional(),
  TENCENTCLOUD_TOKEN_FILE: z.string().optional(),
  TENCENTCLOUD_PROFILE: z.string().optional(),
});

type Variables = z.output<typeof variables>;

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
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const problems = [...unknownVariables(set)];
  const vars = parseVariables(set, problems);
  const config = assemble(vars, set, flags.local ? "local" : "server", problems);
  if (problems.length > 0) throw new ConfigError(problems);
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
      `${(error as Error).message.split("\n")[0]} Flags: --local, --check-config, --help.`,
    ]);
  }
}

/** What is wrong by itself counts as unset afterwards, so that the rules across variables are checked as well. */
function parseVariables(env: Environment, problems: string[]): Variables {
  const parsed = variables.safeParse(env);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  problems.push(...issues.map(({ path, message }) => `${path.join(".")} ${lowerFirst(message)}.`));
  const wrong = new Set(issues.map(({ path }) => path[0]));
  return variables.parse(Object.fromEntries(Object.entries(env).filter(([name]) => !wrong.has(name))));
}

/** A misspelt CAM_RATE_PER_SECONDS would otherwise be silently the default. */
function unknownVariables(env: Environment): string[] {
  const known = new Set(Object.keys(variables.shape));
  return Object.keys(env)
    .filter((name) => /^CAM_(?!EMULATOR_)/.test(name) && !known.has(name))
    .map((name) => `${name} is not a variable of the gateway; see --help for those that are.`);
}

function assemble(vars: Variables, env: Environment, mode: Config["mode"], problems: string[]): Config {
  const notices: string[] = [];
  if (!LOOPBACK_HOSTS.includes(vars.HOST)) {
    problems.push(
      `HOST ${vars.HOST} is not a loopback address. Callers are not authenticated yet, so the gateway only ` +
        `listens on ${LOOPBACK_HOSTS.join(", ")}.`,
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
    http: {
      host: vars.HOST,
      port: vars.PORT,
      playground: (vars.PLAYGROUND ?? (mode === "local" ? "on" : "off")) === "on",
    },
    cam: camTarget(vars, env, mode, problems, notices),
    camLimits: {
      language: vars.CAM_LANGUAGE,
      timeoutMs: vars.CAM_TIMEOUT_MS,
      deadlineMs: vars.CAM_DEADLINE_MS,
      callsPerSecond: vars.CAM_RATE_PER_SECOND,
      circuitFailures: vars.CAM_CIRCUIT_FAILURES,
    },
    store: storeTarget(vars, mode, problems),
    checkpoints:
      vars.AUDIT_SIGNING_KEY_FILE === undefined
        ? undefined
        : {
            signingKeyFile: vars.AUDIT_SIGNING_KEY_FILE,
            intervalMs: vars.AUDIT_CHECKPOINT_INTERVAL_S * 1_000,
          },
    replica: vars.REPLICA ?? `${hostname()}:${process.pid}`,
    logLevel: vars.LOG_LEVEL,
    notices,
  };
}

function storeTarget(vars: Variables, mode: Config["mode"], problems: string[]): StoreTarget {
  const { DATABASE_URL: url, DATABASE_URL_FILE: file, DATA_DIR: dataDir } = vars;
  if (url !== undefined && file !== undefined)
    problems.push("Set only one of DATABASE_URL and DATABASE_URL_FILE.");
  if (dataDir !== undefined && (url !== undefined || file !== undefined)) {
    problems.push("DATA_DIR is the folder of the built-in database; it has no meaning with DATABASE_URL.");
  }
  if (url !== undefined && !/^postgres(ql)?:\/\//.test(url)) {
    problems.push(
      "DATABASE_URL must begin with postgres://, for example postgres://user:password@host:5432/database.",
    );
  }
  if (file !== undefined) return { kind: "postgres", url: { file } };
  if (url !== undefined) return { kind: "postgres", url: { value: new Secret(url) } };
  if (mode === "server") {
    problems.push(
      "DATABASE_URL (or DATABASE_URL_FILE) is not set; server mode keeps its record of changes in PostgreSQL.",
    );
  }
  return { kind: "pglite", dataDir: dataDir ?? ".data" };
}

function camTarget(
  vars: Variables,
  env: Environment,
  mode: Config["mode"],
  problems: string[],
  notices: string[],
): CamTarget | undefined {
  const environment = credentialSources(vars, problems);
  const hasPair = environment.secretId !== undefined && environment.secretKey !== undefined;
  const hasNoKey = environment.secretId === undefined && environment.secretKey === undefined;
  const profileNamed = vars.TENCENTCLOUD_PROFILE !== undefined;
  if ((mode === "server" || vars.CAM_ENDPOINT !== undefined) && hasNoKey && !profileNamed) {
    problems.push(
      `${mode === "server" ? "There are no credentials for CAM" : "CAM_ENDPOINT is set without credentials"}: set ` +
        "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (or their _FILE forms), or name a section of the " +
        "credentials file in TENCENTCLOUD_PROFILE.",
    );
  }
  if (vars.CAM_ENDPOINT === undefined) {
    if (mode === "server")
      problems.push("CAM_ENDPOINT is not set, for example https://cam.tencentcloudapi.com.");
    if (vars.CAM_SERVICE_HOST !== undefined) problems.push("CAM_SERVICE_HOST is set without CAM_ENDPOINT.");
    if (hasPair && mode === "local") {
      notices.push(
        "Credentials are set but not used: without CAM_ENDPOINT the embedded emulator stands in for CAM.",
      );
    }
    return undefined;
  }
  return {
    endpoint: parseEndpoint(vars, problems),
    credentials: {
      environment,
      profile: { name: vars.TENCENTCLOUD_PROFILE ?? "default", paths: PROFILE_PATHS, required: !hasPair },
    },
    proxy: proxyFrom(env),
  };
}

function parseEndpoint(vars: Variables, problems: string[]): CamEndpoint {
  const text = vars.CAM_ENDPOINT ?? "";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (url === undefined || !isBare) {
    problems.push(
      "CAM_ENDPOINT must be an http or https URL of scheme, host and port alone, for example https://cam.tencentcloudapi.com.",
    );
    return { origin: "", serviceHost: "" };
  }
  return { origin: url.origin, serviceHost: vars.CAM_SERVICE_HOST ?? url.host };
}

function credentialSources(vars: Variables, problems: string[]): EnvironmentCredentialSources {
  const source = (...names: readonly CredentialVariable[]): CredentialSource | undefined => {
    const given = names.flatMap((name) => [
      ...(vars[name] === undefined ? [] : [{ name, source: { value: new Secret(vars[name]) } }]),
      ...(vars[`${name}_FILE`] === undefined
        ? []
        : [{ name: `${name}_FILE`, source: { file: vars[`${name}_FILE`] ?? "" } }]),
    ]);
    if (given.length > 1) problems.push(`Set only one of ${given.map(({ name }) => name).join(" and ")}.`);
    return given[0]?.source;
  };
  const secretId = source("TENCENTCLOUD_SECRET_ID");
  const secretKey = source("TENCENTCLOUD_SECRET_KEY");
  const token = source("TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_TOKEN");
  if ((secretId === undefined) !== (secretKey === undefined)) {
    const missing = secretId === undefined ? "TENCENTCLOUD_SECRET_ID" : "TENCENTCLOUD_SECRET_KEY";
    problems.push(`Half a key pair: ${missing} (or ${missing}_FILE) is missing.`);
  }
  if (token !== undefined && secretId === undefined && secretKey === undefined) {
    problems.push("A session token is set without the key pair that it belongs to.");
  }
  return { ...(secretId && { secretId }), ...(secretKey && { secretKey }), ...(token && { token }) };
}

type CredentialVariable =
  | "TENCENTCLOUD_SECRET_ID"
  | "TENCENTCLOUD_SECRET_KEY"
  | "TENCENTCLOUD_SESSION_TOKEN"
  | "TENCENTCLOUD_TOKEN";

/** The usual variables in both cases; lower case wins, as in curl. */
function proxyFrom(env: Environment): CamTarget["proxy"] {
  const http = env["http_proxy"] ?? env["HTTP_PROXY"];
  const https = env["https_proxy"] ?? env["HTTPS_PROXY"];
  const except = env["no_proxy"] ?? env["NO_PROXY"];
  return { ...(http && { http }), ...(https && { https }), ...(except && { except }) };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
