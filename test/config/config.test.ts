import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { parsePolicy } from "../../src/auth/policy/policy-file.ts";
import { MINIMAL_POLICY } from "../../src/config/auth-settings.ts";
import { type Config, ConfigError, loadConfig } from "../../src/config/config.ts";
import { type Mode, variables } from "../../src/config/variables.ts";
import { SOME_ISSUER, SOME_POLICY } from "../support/server-env.ts";

const KEY = "the-secret-key-itself";
const server = {
  CAM_ENDPOINT: "https://cam.tencentcloudapi.com",
  TENCENTCLOUD_SECRET_ID: "AKIDEXAMPLE",
  TENCENTCLOUD_SECRET_KEY: KEY,
  DATABASE_URL: "postgres://gateway:pw-itself@db:5432/gateway",
  ...SOME_ISSUER,
  ...SOME_POLICY,
};
const credentials = { TENCENTCLOUD_SECRET_ID: "AKIDEXAMPLE", TENCENTCLOUD_SECRET_KEY: KEY };

describe("a notice warns about unencrypted traffic", () => {
  const tls = { TLS_CERT_FILE: "cert.pem", TLS_KEY_FILE: "key.pem" };
  const tokens = expect.stringMatching(/^HOST is \S+ without TLS_CERT_FILE: tokens travel unencrypted/);
  const calls = expect.stringMatching(/^CAM_ENDPOINT is http: calls to CAM travel unencrypted/);

  test.each<[string, Readonly<Record<string, string>>, readonly unknown[]]>([
    ["HOST=0.0.0.0", { HOST: "0.0.0.0" }, [tokens]],
    ["HOST=::", { HOST: "::" }, [tokens]],
    ["HOST=0.0.0.0 with TLS", { HOST: "0.0.0.0", ...tls }, []],
    ["a loopback address", { HOST: "::1" }, []],
    ["a remote CAM over http", { CAM_ENDPOINT: "http://10.0.0.5" }, [calls]],
    ["a CAM on this machine over http", { CAM_ENDPOINT: "http://[::1]:4100" }, []],
    ["both", { HOST: "10.0.0.4", CAM_ENDPOINT: "http://cam.example:80" }, [tokens, calls]],
  ])("%s", (_what, env, notices) => {
    expect(load({ ...server, ...env }).notices).toEqual(notices);
  });
});

describe("the admin port", () => {
  test("is 9464 on loopback in server mode", () => {
    expect(load(server).admin).toEqual({ host: "127.0.0.1", port: 9464 });
  });

  test("is absent in local mode unless it is set", () => {
    expect(load({}, "local").admin).toBeUndefined();
    expect(load({ ADMIN_PORT: "0" }, "local").admin).toEqual({ host: "127.0.0.1", port: 0 });
  });

  test("cannot be the main port", () => {
    expect(() => load({ ...server, PORT: "9464" })).toThrow("ADMIN_PORT and PORT are both 9464.");
    expect(load({ ...server, PORT: "9464", ADMIN_HOST: "10.0.0.4" }).admin?.port).toBe(9464);
  });
});

describe("defaults", () => {
  test("local mode needs no variable and uses the emulator", () => {
    expect(load({}, "local")).toMatchObject({
      mode: "local",
      http: { host: "127.0.0.1", port: 4000, playground: true },
      cam: undefined,
      camLimits: { language: "en-US", timeoutMs: 5_000, timeLimitMs: 15_000, ratePerSecond: 20 },
      store: { kind: "pglite", dataDir: ".data" },
      logLevel: "info",
      notices: [],
    });
  });

  test("server mode has no playground and no emulator", () => {
    const config = load(server);
    expect(config).toMatchObject({ mode: "server", http: { playground: false } });
    expect(config.cam?.endpoint).toEqual({
      origin: "https://cam.tencentcloudapi.com",
      serviceHost: "cam.tencentcloudapi.com",
    });
  });

  test.each(["", " ", "\t"])("a variable that is %j counts as not set", (blank) => {
    const names = ["HOST", "PORT", "LOG_LEVEL", "CAM_ENDPOINT", "CAM_UNKNOWN", "TENCENTCLOUD_SECRET_ID"];
    expect(load(Object.fromEntries(names.map((name) => [name, blank])), "local")).toEqual(load({}, "local"));
  });

  test("variables of other programs are ignored", () => {
    const others = {
      AUTH_SERVICE_HOST: "10.0.0.1",
      AUTH_SERVICE_PORT_HTTPS: "443",
      CAM_PORT: "tcp://10.0.0.1:80",
      CAM_PORT_80_TCP_ADDR: "10.0.0.1",
      PATH: "/bin",
      CAMERA: "on",
      CAM_EMULATOR_PORT: "4100",
      TENCENTCLOUD_REGION: "ap-guangzhou",
    };
    expect(load(others, "local")).toEqual(load({}, "local"));
  });
});

/** The variables that Kubernetes sets for a Service with one named port. */
const linksOf = (prefix: string, address = "10.96.0.12") => ({
  [`${prefix}_SERVICE_HOST`]: address.replace(/[[\]]/g, ""),
  [`${prefix}_SERVICE_PORT`]: "80",
  [`${prefix}_SERVICE_PORT_HTTP`]: "80",
  [`${prefix}_PORT`]: `tcp://${address}:80`,
  [`${prefix}_PORT_80_TCP`]: `tcp://${address}:80`,
  [`${prefix}_PORT_80_TCP_PROTO`]: "tcp",
  [`${prefix}_PORT_80_TCP_PORT`]: "80",
  [`${prefix}_PORT_80_TCP_ADDR`]: address,
});

describe("Kubernetes Services", () => {
  test.each(["10.96.0.12", "[fd00::1]"])(
    "one called cam at %s has no effect, and a notice names it",
    (address) => {
      const config = load({ ...server, ...linksOf("CAM", address) });
      expect(config.cam?.endpoint.serviceHost).toBe("cam.tencentcloudapi.com");
      expect(config.notices).toEqual([
        expect.stringMatching(
          /^Kubernetes set CAM_SERVICE_HOST for the Service cam, .*enableServiceLinks: false/,
        ),
      ]);
    },
  );

  test("one called cam does not replace an operator's CAM_SERVICE_HOST", () => {
    const config = load({ ...server, ...linksOf("CAM"), CAM_SERVICE_HOST: "cam.internal" });
    expect(config.cam?.endpoint.serviceHost).toBe("cam.internal");
    expect(config.notices).toEqual([]);
  });

  test.each([
    ...[
      "AUTH",
      "AUDIT",
      "DATABASE",
      "GATEWAY",
      "CAM_SERVICE",
      "CAM_EMULATOR",
      "CAM_ENDPOINT",
      "POLICY",
      "ROUTER",
      "TLS",
    ],
    ...[
      "TENCENTCLOUD",
      "TENCENTCLOUD_SECRET",
      "TKE",
      "KUBERNETES",
      "CALLER",
      "TRUSTED_DOCUMENTS",
      "BULK_GUARD",
    ],
  ])("one whose variables begin with %s changes nothing", (prefix) => {
    expect(load({ ...server, ...linksOf(prefix) })).toEqual(load(server));
  });

  test("one called admin does not move the admin port, and a notice names it", () => {
    const config = load({ ...server, ...linksOf("ADMIN") });
    expect(config.admin).toEqual({ host: "127.0.0.1", port: 9464 });
    expect(config.notices).toEqual([
      expect.stringMatching(/^Kubernetes set ADMIN_PORT for the Service admin, .*enableServiceLinks: false/),
    ]);
  });

  test("can set only ADMIN_PORT and CAM_SERVICE_HOST of the gateway's variables", () => {
    const parts = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;
    expect(Object.keys(variables.shape).filter((name) => parts.test(name))).toEqual([
      ...["ADMIN_PORT", "CAM_SERVICE_HOST"],
    ]);
  });

  test("do not affect a CAM_SERVICE_HOST without the address of a Service", () => {
    const config = load({ ...server, CAM_SERVICE_HOST: "10.96.0.12" });
    expect(config.cam?.endpoint.serviceHost).toBe("10.96.0.12");
  });
});

describe("names that begin with TENCENTCLOUD_", () => {
  test.each([
    ["SECRETID", "SECRET_ID"],
    ["SECRETKEY", "SECRET_KEY"],
    ["SECRET", "SECRET_KEY"],
    ["SECRET_IDS", "SECRET_ID"],
    ["SECRT_KEY", "SECRET_KEY"],
    ["SECRET_KEYFILE", "SECRET_KEY_FILE"],
    ["ACCESS_KEY_ID", "SECRET_ID"],
    ["SECRET_ACCESS_KEY", "SECRET_KEY"],
    ["SESSIONTOKEN", "SESSION_TOKEN"],
    ["SECURITYTOKEN", "SECURITY_TOKEN"],
    ["SECURITY_TOKENS", "SECURITY_TOKEN"],
    ["STS_TOKEN", "SESSION_TOKEN"],
    ["TOKENS", "TOKEN"],
    ["PROFIL", "PROFILE"],
    ["ROLEARN", "ROLE_ARN"],
    ["ASSUME_ROLE_ARN", "ROLE_ARN"],
    ["ASSUME_ROLE_EXTERNAL_ID", "ROLE_EXTERNAL_ID"],
    ["ROLE_NAME", "CAM_ROLE_NAME"],
    ["REGOIN", "REGION"],
  ])("TENCENTCLOUD_%s is refused with the suggestion TENCENTCLOUD_%s", (name, meant) => {
    expect(problemsOf({ ...server, [`TENCENTCLOUD_${name}`]: "x" })).toEqual([
      `TENCENTCLOUD_${name} is not a variable of the gateway. Did you mean TENCENTCLOUD_${meant}?`,
    ]);
  });

  test("a misspelt name in lower case is refused too", () => {
    expect(problemsOf({ ...server, tencentcloud_secret_id: "x" })).toEqual([
      expect.stringContaining("Did you mean TENCENTCLOUD_SECRET_ID?"),
    ]);
  });

  test("all mistakes are reported in one run", () => {
    const env = { TENCENTCLOUD_SECRETID: "x", TENCENTCLOUD_SECRET: "x", CAM_UNKNOWN: "x", PORT: "x" };
    expect(problemsOf({ ...server, ...env })).toHaveLength(4);
  });

  test.each([
    "DOMAIN",
    "COS_DOMAIN",
    "PROTOCOL",
    "SHARED_CREDENTIALS_DIR",
    "RUNENV",
    "APPID",
    "UIN",
    "TZ",
    "ZONE",
  ])("TENCENTCLOUD_%s of another tool is ignored", (name) => {
    expect(load({ ...server, [`TENCENTCLOUD_${name}`]: "x" })).toEqual(load(server));
  });

  test("the names that a serverless function sets are ignored", () => {
    const env = { TENCENTCLOUD_RUNENV: "SCF", TENCENTCLOUD_SECRETID: "x", TENCENTCLOUD_SESSIONTOKEN: "x" };
    expect(load({ ...server, ...env })).toEqual(load(server));
  });

  test("the folder of Terraform's credentials is not used for a profile, and a notice reports it", () => {
    const env = { TENCENTCLOUD_PROFILE: "ops", TENCENTCLOUD_SHARED_CREDENTIALS_DIR: "/elsewhere" };
    expect(load({ ...server, ...env }).notices).toEqual([
      expect.stringContaining("TENCENTCLOUD_SHARED_CREDENTIALS_DIR is not used"),
    ]);
  });
});

describe("values", () => {
  test.each([
    ["HOST", "::1", { http: { host: "::1" } }],
    ["HOST", "localhost", { http: { host: "localhost" } }],
    ["HOST", "0.0.0.0", { http: { host: "0.0.0.0" } }],
    ["PORT", "0", { http: { port: 0 } }],
    ["PORT", "65535", { http: { port: 65_535 } }],
    ["PLAYGROUND", "on", { http: { playground: true } }],
    ["PLAYGROUND", "off", { http: { playground: false, introspection: false } }],
    ["PLAYGROUND", "on", { http: { playground: true, introspection: true } }],
    ["INTROSPECTION", "on", { http: { playground: false, introspection: true } }],
    ["CONSOLE_CLIENT_ID", "console", { http: { console: undefined } }],
    ["CALLER_RATE_PER_SECOND", "0", { http: { callerRatePerSecond: 0 } }],
    ["CAM_FLAGS_CACHE_MS", "500", { camLimits: { flagsCacheMs: 500 } }],
    ["LOG_LEVEL", "trace", { logLevel: "trace" }],
    ["LOG_LEVEL", "silent", { logLevel: "silent" }],
    ["CAM_LANGUAGE", "zh-CN", { camLimits: { language: "zh-CN" } }],
    ["CAM_TIMEOUT_MS", "50", { camLimits: { timeoutMs: 50 } }],
    ["CAM_DEADLINE_MS", "300000", { camLimits: { timeLimitMs: 300_000 } }],
    ["CAM_CIRCUIT_FAILURES", "0", { camLimits: { circuitFailures: 0 } }],
    ["DATABASE_URL", "postgresql://db/gateway", { store: { kind: "postgres" } }],
    ["REPLICA", "gateway-1", { replica: "gateway-1" }],
    ["CAM_RATE_PER_SECOND", "1000", { camLimits: { ratePerSecond: 1_000 } }],
    ["CAM_SERVICE_HOST", "cam.internal:8443", { cam: { endpoint: { serviceHost: "cam.internal:8443" } } }],
    ["CAM_ENDPOINT", "http://127.0.0.1:4100", { cam: { endpoint: { serviceHost: "127.0.0.1:4100" } } }],
    [
      "CAM_ENDPOINT",
      "https://cam.tencentcloudapi.com/",
      { cam: { endpoint: { origin: server.CAM_ENDPOINT } } },
    ],
    ["TENCENTCLOUD_PROFILE", "ops", { cam: { credentials: { profile: { name: "ops", required: false } } } }],
  ])("%s takes %s", (name, value, expected) => {
    expect(load({ ...server, [name]: value })).toMatchObject(expected);
  });

  test.each([
    ["PORT", "-1", "PORT must be a whole number"],
    ["PORT", "4e3", "PORT must be a whole number"],
    ["PORT", "65536", "PORT must be from 0 to 65535."],
    ["PLAYGROUND", "yes", "PLAYGROUND must be one of"],
    ["LOG_LEVEL", "verbose", "LOG_LEVEL must be one of"],
    ["CAM_LANGUAGE", "de-DE", "CAM_LANGUAGE must be one of"],
    ["CAM_TIMEOUT_MS", "49", "CAM_TIMEOUT_MS must be from 50 to 60000."],
    ["CAM_TIMEOUT_MS", "60001", "CAM_TIMEOUT_MS must be from 50 to 60000."],
    ["CAM_TIMEOUT_MS", "5s", "CAM_TIMEOUT_MS must be a whole number"],
    ["CAM_DEADLINE_MS", "99", "CAM_DEADLINE_MS must be from 100 to 300000."],
    ["CAM_DEADLINE_MS", "300001", "CAM_DEADLINE_MS must be from 100 to 300000."],
    ["CAM_DEADLINE_MS", "4999", "CAM_TIMEOUT_MS (5000) is longer than CAM_DEADLINE_MS (4999)"],
    ["CAM_RATE_PER_SECOND", "0", "CAM_RATE_PER_SECOND must be from 1 to 1000."],
    ["CAM_RATE_PER_SECOND", "1001", "CAM_RATE_PER_SECOND must be from 1 to 1000."],
    ["CAM_CIRCUIT_FAILURES", "-1", "CAM_CIRCUIT_FAILURES must be a whole number"],
    ["DATABASE_URL", "mysql://db/gateway", "DATABASE_URL must begin with postgres://"],
    ["DATABASE_URL_FILE", "/run/secrets/db", "Set only one of DATABASE_URL and DATABASE_URL_FILE"],
    ["DATA_DIR", "/data", "DATA_DIR is the folder of the built-in database"],
    ["REPLICA", "a b", "REPLICA must be 1 to 64"],
    ["CAM_SERVICE_HOST", "https://cam", "CAM_SERVICE_HOST must be a host name"],
    ["CAM_SERVICE_HOST", "a\r\nb", "CAM_SERVICE_HOST must be a host name"],
    ["TRUSTED_DOCUMENTS", "enforce", "TRUSTED_DOCUMENTS=enforce needs TRUSTED_DOCUMENTS_FILE"],
    ["TRUSTED_DOCUMENTS_FILE", "/a.json", "TRUSTED_DOCUMENTS_FILE has no meaning unless TRUSTED_DOCUMENTS"],
    ["TLS_CERT_FILE", "/cert.pem", "Set both TLS_CERT_FILE and TLS_KEY_FILE"],
    ["CONSOLE", "on", "CONSOLE=on needs AUTH_ISSUER and CONSOLE_CLIENT_ID, with which people sign in."],
    ["INTROSPECTION", "maybe", "INTROSPECTION must be one of on, off."],
    ["CAM_RATE_PER_SECONDS", "20", "CAM_RATE_PER_SECONDS is not a variable of the gateway"],
  ])("%s does not take %j", (name, value, problem) => {
    expect(problemsOf({ ...server, [name]: value })).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    "cam.tencentcloudapi.com",
    "ftp://cam.tencentcloudapi.com",
    "https://cam.tencentcloudapi.com/path",
    "https://user@cam.tencentcloudapi.com",
    "https://:pass@cam.tencentcloudapi.com",
    "https://cam.tencentcloudapi.com/?a=b",
    "https://cam.tencentcloudapi.com/#a",
    "https://",
    "/cam",
  ])("CAM_ENDPOINT does not take %s", (endpoint) => {
    expect(problemsOf({ ...server, CAM_ENDPOINT: endpoint })).toEqual([
      expect.stringContaining("CAM_ENDPOINT must be an http or https URL of scheme, host and port alone"),
    ]);
  });
});

describe("credentials", () => {
  const { CAM_ENDPOINT, DATABASE_URL } = server;
  const place = { CAM_ENDPOINT, DATABASE_URL, ...SOME_ISSUER, ...SOME_POLICY };

  test.each([
    ["only the id", { TENCENTCLOUD_SECRET_ID: "AKID" }, "Half a key pair: TENCENTCLOUD_SECRET_KEY"],
    ["only the key", { TENCENTCLOUD_SECRET_KEY: KEY }, "Half a key pair: TENCENTCLOUD_SECRET_ID"],
    [
      "half a pair from files",
      { TENCENTCLOUD_SECRET_KEY_FILE: "/k" },
      "Half a key pair: TENCENTCLOUD_SECRET_ID",
    ],
    [
      "a value and its file",
      { ...credentials, TENCENTCLOUD_SECRET_KEY_FILE: "/key" },
      "Set only one of TENCENTCLOUD_SECRET_KEY and TENCENTCLOUD_SECRET_KEY_FILE.",
    ],
    [
      "both names of the token",
      { ...credentials, TENCENTCLOUD_SESSION_TOKEN: "a", TENCENTCLOUD_TOKEN: "b" },
      "Set only one of TENCENTCLOUD_SESSION_TOKEN and TENCENTCLOUD_TOKEN.",
    ],
    [
      "Terraform's name of the token with another value",
      { ...credentials, TENCENTCLOUD_SESSION_TOKEN: "a", TENCENTCLOUD_SECURITY_TOKEN: "b" },
      "Set only one of TENCENTCLOUD_SESSION_TOKEN and TENCENTCLOUD_SECURITY_TOKEN.",
    ],
    [
      "Terraform's name of the token and a file",
      { ...credentials, TENCENTCLOUD_SECURITY_TOKEN: "a", TENCENTCLOUD_SECURITY_TOKEN_FILE: "/token" },
      "Set only one of TENCENTCLOUD_SECURITY_TOKEN and TENCENTCLOUD_SECURITY_TOKEN_FILE.",
    ],
    [
      "a token without its pair",
      { TENCENTCLOUD_PROFILE: "ops", TENCENTCLOUD_SESSION_TOKEN: "t" },
      "A session token is set without the key pair that it belongs to.",
    ],
  ])("%s is refused in both modes", (_case, env, problem) => {
    expect(problemsOf({ ...place, ...env })).toEqual([expect.stringContaining(problem)]);
    expect(problemsOf({ ...place, ...env }, "local")).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    [{ TENCENTCLOUD_SECURITY_TOKEN: "t" }],
    [{ TENCENTCLOUD_SECURITY_TOKEN: "t", TENCENTCLOUD_SESSION_TOKEN: "t", TENCENTCLOUD_TOKEN: "t" }],
  ])("each name of the session token is accepted: %o", (token) => {
    const { environment } = load({ ...place, ...credentials, ...token }).cam?.credentials ?? {};
    const source = environment?.token;
    expect(source !== undefined && "value" in source && source.value.reveal()).toBe("t");
  });

  test("an endpoint without credentials is refused in both modes", () => {
    expect(problemsOf({ CAM_ENDPOINT }, "local")).toEqual([
      expect.stringContaining("CAM_ENDPOINT is set without credentials"),
    ]);
    expect(problemsOf(place)).toEqual([expect.stringContaining("The gateway has no credentials for CAM")]);
  });

  test("a named profile is sufficient, and is then required", () => {
    const config = load({ ...place, TENCENTCLOUD_PROFILE: "ops" });
    expect(config.cam?.credentials.profile).toMatchObject({ name: "ops", required: true });
  });

  test("local mode without an endpoint does not use them, and reports it", () => {
    const config = load(credentials, "local");
    expect(config.cam).toBeUndefined();
    expect(config.notices).toEqual([expect.stringContaining("Credentials are set but not used")]);
  });

  test("neither the configuration nor its problems print them", () => {
    const env = {
      ...server,
      TENCENTCLOUD_SESSION_TOKEN: "the-token-itself",
      HTTPS_PROXY: "http://gateway:pw-itself@proxy:3128",
    };
    const config = load(env);
    const error = errorOf({
      ...env,
      TENCENTCLOUD_SECRET_KEY_FILE: "/key",
      PORT: "x",
      CAM_ENDPOINT: "ftp://a",
    });
    const printed = [config, error].flatMap((value) => [
      inspect(value, { depth: null, showHidden: true }),
      JSON.stringify(value),
      String(value),
    ]);
    for (const text of printed) expect(text).not.toMatch(/the-secret-key-itself|the-token-itself|pw-itself/);
    expect(inspect(config, { depth: null })).toContain("[redacted]");
  });
});

describe("server mode", () => {
  test("needs a database, credentials, an endpoint, an issuer and a policy, and reports all that are missing in one run", () => {
    expect(problemsOf({})).toEqual([
      expect.stringContaining("No caller can authenticate: set AUTH_ISSUER"),
      expect.stringContaining("POLICY_FILE is not set"),
      expect.stringContaining("The gateway has no credentials for CAM"),
      expect.stringContaining("CAM_ENDPOINT is not set"),
      expect.stringContaining("DATABASE_URL (or DATABASE_URL_FILE) is not set"),
    ]);
  });

  test("suggests a policy if POLICY_FILE is not set", () => {
    const [problem = ""] = problemsOf({ ...server, POLICY_FILE: "" });
    expect(problem).toContain(MINIMAL_POLICY);
    expect(parsePolicy(MINIMAL_POLICY)).toMatchObject({ policy: { rules: [{ effect: "allow" }] } });
  });

  test("never falls back to the emulator", () => {
    const { DATABASE_URL } = server;
    expect(problemsOf({ ...credentials, DATABASE_URL, ...SOME_ISSUER, ...SOME_POLICY })).toEqual([
      expect.stringContaining("CAM_ENDPOINT is not set"),
    ]);
  });
});

test("one message lists every problem, including those across variables", () => {
  const error = errorOf({
    PORT: "x",
    LOG_LEVEL: "loud",
    CAM_SERVICE_HOST: "cam.internal",
    CAM_TIMEOUT_MS: "20000",
    CAM_TYPO: "1",
    TENCENTCLOUD_SECRET_ID: "AKIDEXAMPLE",
  });
  expect(error.message.split("\n")).toEqual([
    "The configuration cannot be used:",
    expect.stringMatching(/^ {2}- CAM_TYPO is not a variable/),
    expect.stringMatching(/^ {2}- PORT must be a whole number/),
    expect.stringMatching(/^ {2}- LOG_LEVEL must be one of fatal/),
    expect.stringMatching(/^ {2}- CAM_SERVICE_HOST is set without CAM_ENDPOINT/),
    expect.stringMatching(/^ {2}- CAM_TIMEOUT_MS \(20000\) is longer/),
    expect.stringMatching(/^ {2}- No caller can authenticate/),
    expect.stringMatching(/^ {2}- POLICY_FILE is not set/),
    expect.stringMatching(/^ {2}- Half a key pair/),
    expect.stringMatching(/^ {2}- CAM_ENDPOINT is not set/),
    expect.stringMatching(/^ {2}- DATABASE_URL \(or DATABASE_URL_FILE\) is not set/),
  ]);
});

test.each(["0.0.0.0", "192.168.1.2", "gateway.example"])(
  "local mode does not listen on %s, even with an issuer",
  (HOST) => {
    const problem = [expect.stringContaining(`HOST ${HOST} is not a loopback address`)];
    expect(problemsOf({ HOST }, "local")).toEqual(problem);
    expect(problemsOf({ HOST, ...SOME_ISSUER }, "local")).toEqual(problem);
  },
);

test("the configuration is frozen", () => {
  const config = load({ ...server, HTTPS_PROXY: "http://proxy:3128" });
  const parts = [config, config.http, config.camLimits, config.notices, config.cam, config.cam?.proxy];
  for (const part of parts) expect(Object.isFrozen(part)).toBe(true);
  expect(Object.isFrozen(config.cam?.credentials.environment.secretKey)).toBe(true);
});

test.each([
  [{ https_proxy: "http://lower", HTTPS_PROXY: "http://upper" }, { https: "http://lower" }],
  [
    { HTTP_PROXY: "http://p", NO_PROXY: "127.0.0.1" },
    { http: "http://p", except: "127.0.0.1" },
  ],
  [{}, {}],
])("proxies come from the common variables: %j", (env, proxy) => {
  const { http, https, except } = load({ ...server, ...env }).cam?.proxy ?? {};
  expect({
    ...(http && { http: http.reveal() }),
    ...(https && { https: https.reveal() }),
    ...(except && { except }),
  }).toEqual(proxy);
});

test.each([
  ["server", {}, { users: 100, withinMs: 600_000 }],
  ["local", {}, { users: 0, withinMs: 600_000 }],
  ["local", { BULK_GUARD_USERS: "5" }, { users: 5, withinMs: 600_000 }],
  ["server", { BULK_GUARD_USERS: "0", BULK_GUARD_MINUTES: "1" }, { users: 0, withinMs: 60_000 }],
] as const)("the bulk guard of %s mode with %o", (mode, env, guard) => {
  expect(load({ ...(mode === "server" && server), ...env }, mode).bulkGuard).toEqual(guard);
});

test.each([
  { BULK_GUARD_USERS: "-1" },
  { BULK_GUARD_USERS: "many" },
  { BULK_GUARD_MINUTES: "0" },
  { BULK_GUARD_MINUTES: "1441" },
])("the bulk guard refuses %o", (env) => {
  expect(problemsOf({ ...server, ...env })).toHaveLength(1);
});

function load(env: Record<string, string>, mode: Mode = "server"): Config {
  return loadConfig(env, mode);
}

function errorOf(env: Record<string, string>, mode?: Mode): ConfigError {
  try {
    load(env, mode);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("The configuration was accepted.");
}

function problemsOf(env: Record<string, string>, mode?: Mode): readonly string[] {
  return errorOf(env, mode).problems;
}
