import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { variableHelp } from "../../src/config/variable-reference.ts";
import { startCamEmulator } from "../../src/emulator/index.ts";
import { ROOT } from "../support/compose-file.ts";
import { buildGateway, runGateway, startGatewayProcess } from "../support/gateway-process.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { SOME_POLICY } from "../support/server-env.ts";
import { LOCAL_KEY } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { startProgram } from "../support/start-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** The playground has its own build and tests. */
const LOCAL = { PORT: "0", PLAYGROUND: "off" };

/** Makes the program log as at a terminal, because the test has none. */
const AT_A_TERMINAL = { NODE_OPTIONS: "--import=data:text/javascript,process.stdout.isTTY=true" };

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let databaseUrl: string;

beforeAll(async () => {
  [databaseUrl] = await Promise.all([createTestPostgres(), buildGateway()]);
});

describe("an invalid configuration ends the process with 78 and one message", () => {
  test.each([
    [
      "server mode without anything",
      [],
      {},
      [
        "No caller can authenticate",
        "POLICY_FILE is not set",
        "The gateway has no credentials for CAM",
        "CAM_ENDPOINT is not set",
        "DATABASE_URL",
      ],
    ],
    [
      "several mistakes",
      ["--local"],
      { PORT: "x", CAM_TYPO: "1" },
      ["CAM_TYPO is not a variable", "PORT must be"],
    ],
    ["an address that is not loopback", ["--local"], { HOST: "0.0.0.0" }, ["HOST 0.0.0.0 is not a loopback"]],
    ["half a key pair", ["--local"], { TENCENTCLOUD_SECRET_KEY: "hidden-secret-key" }, ["Half a key pair"]],
    ["only checking", ["--check-config", "--local"], { PORT: "x" }, ["PORT must be"]],
    [
      "mistakes in variables and in a file",
      ["--check-config", "--local"],
      { PORT: "x", POLICY_FILE: "/nowhere/policy.yaml" },
      ["PORT must be", "POLICY_FILE /nowhere/policy.yaml cannot be read (ENOENT)"],
    ],
  ])("%s", async (_case, args, env, problems) => {
    const { exitCode, stdout, stderr } = await runGateway(args, env);
    expect(exitCode).toBe(78);
    expect(stdout).toBe("");
    const [title, ...lines] = stderr.trimEnd().split("\n");
    expect(title).toBe("The configuration cannot be used:");
    expect(lines).toEqual(problems.map((problem) => expect.stringContaining(problem)));
    expect(stderr).not.toContain("hidden-secret-key");
  });
});

test("an unknown option ends the process with 78 and its name", async () => {
  const { exitCode, stdout, stderr } = await runGateway(["--lokal"], {});
  expect({ exitCode, stdout }).toEqual({ exitCode: 78, stdout: "" });
  expect(stderr).toBe("Unknown option '--lokal' (Did you mean --local?). Try --help.\n");
});

test("--check-config reports a valid configuration and starts nothing", async () => {
  const env = { TENCENTCLOUD_SECRET_ID: "AKIDEXAMPLE", TENCENTCLOUD_SECRET_KEY: "hidden-secret-key" };
  const { exitCode, stdout, stderr } = await runGateway(["--local", "--check-config"], env);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n")).toEqual([
    "The configuration is valid.",
    "  Mode      local",
    "  GraphQL   127.0.0.1, port 4000; playground on, console on",
    "  CAM       an emulator on this machine",
    "  Record    in the folder .data",
    expect.stringMatching(/^ {2}Note {6}Credentials are set but not used: /),
    "",
  ]);
});

test("--help prints the usage with any environment", async () => {
  const ended = await runGateway(["--help"], { PORT: "x" });
  expect(ended).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ended.stdout).toMatch(/^Usage: cam-gateway serve \[options\]\n/);
  expect(ended.stdout).toContain(variableHelp());
});

describe("local mode", () => {
  test("needs no configuration, prints its real address, and serves there", async () => {
    const { url, stderr, signal, ended } = await startGatewayProcess(["--local"], LOCAL);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/graphql$/);
    expect(stderr()).toContain("CAM MFA gateway, local mode");
    expect(stderr()).toContain("an emulator on this machine, http://127.0.0.1:");
    const query = '{ subUser(opUin: "100021969091") { name } }';
    expect(await post(url, query)).toEqual({ data: { subUser: { name: "alice" } } });
    signal("SIGTERM");
    const { exitCode, stderr: notes, stdout } = await ended;
    expect(exitCode).toBe(0);
    expect(notes + stdout).not.toContain("LocalExampleSecretKey");
    expect(notes).toContain("Record    in the folder .data");
    expect(notes).toMatch(/SIGTERM: finishing the work under way, then stopping\.\nStopped\.\n$/);
    // Standard output is for programs: JSON lines and nothing else.
    for (const line of stdout.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("event");
  });

  test.each<[what: string, env: Record<string, string>, form: RegExp]>([
    [
      "a terminal",
      AT_A_TERMINAL,
      /^INFO: key for CAM loaded \{"account":"default","event":"cam.key_loaded"/m,
    ],
    ["anything else", {}, /^\{"level":"info",.*"msg":"key for CAM loaded"/m],
  ])("logs for %s", async (_what, more, form) => {
    const { url, stdout } = await startGatewayProcess(["--local"], { ...LOCAL, ...more });
    await post(url, '{ subUser(opUin: "100021969091") { name } }');
    await vi.waitFor(() => expect(stdout()).toMatch(form), 20_000);
  });

  test("with an endpoint prints the real CAM and starts no emulator", async () => {
    const emulator = await startCamEmulator();
    onTestFinished(() => emulator.stop());
    const env = { ...LOCAL, ...LOCAL_KEY, CAM_ENDPOINT: emulator.url };
    const { url, stdout, stderr } = await startGatewayProcess(["--local"], env);
    expect(stderr()).toContain(`the one at ${emulator.url}; changes take effect there`);
    expect(stderr()).not.toMatch(/emulator/i);
    await post(
      url,
      'mutation { setSubUserMfa(opUin: "100021969091", login: { phone: true }) { requestId } }',
    );
    expect(emulator.control.user("100021969091")?.loginFlag.Phone).toBe(1);
    expect(stdout() + stderr()).not.toContain("LocalExampleSecretKey");
  });
});

test("a start that fails on a file is a configuration error", async () => {
  const env = { ...LOCAL, TLS_CERT_FILE: "/nowhere/cert.pem", TLS_KEY_FILE: "/nowhere/key.pem" };
  const { exitCode, stderr } = await runGateway(["--local"], env);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 78,
    stderr:
      "The configuration cannot be used:\n  - TLS_CERT_FILE /nowhere/cert.pem cannot be read (ENOENT).\n",
  });
});

test("--check-config reads all files that the configuration names", async () => {
  const folder = await temporaryFolder();
  const policyFile = await folder.write(
    "policy.yaml",
    "rules:\n  - { id: on, effect: permit, switches: [sms] }\n",
  );
  const env = { AUTH_ISSUERS_FILE: "/nowhere/issuers.json", POLICY_FILE: policyFile };
  const { exitCode, stderr } = await runGateway(["--local", "--check-config"], env);
  expect({ exitCode, lines: stderr.trimEnd().split("\n") }).toEqual({
    exitCode: 78,
    lines: [
      "The configuration cannot be used:",
      "  - AUTH_ISSUERS_FILE /nowhere/issuers.json cannot be read (ENOENT).",
      `  - POLICY_FILE ${policyFile}: rule on: effect must be allow or deny.`,
      `  - POLICY_FILE ${policyFile}: rule on: switches.0 has "sms", which is not a switch: for example login.phone.on, or *.off.`,
    ],
  });
});

test("server mode prints its mode, and never prints a key that CAM refuses", async () => {
  const issuer = await startIssuer();
  const emulator = await startCamEmulator();
  onTestFinished(() => emulator.stop());
  const env = {
    ...LOCAL_KEY,
    ...AT_A_TERMINAL,
    PORT: "0",
    ADMIN_PORT: "0",
    CAM_ENDPOINT: emulator.url,
    DATABASE_URL: databaseUrl,
    ...issuer.env,
    ...SOME_POLICY,
    TENCENTCLOUD_SECRET_KEY: "hidden-secret-key",
    LOG_LEVEL: "trace",
  };
  const { url, stdout: said, signal, ended } = await startGatewayProcess([], env);
  const query = '{ subUser(opUin: "100021969091") { name } }';
  expect(await post(url, query)).toMatchObject({ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] });
  const token = await issuer.sign();
  const reply = await post(url, query, { authorization: `Bearer ${token}` });
  expect(reply).toMatchObject({ errors: [{ extensions: { code: "CAM_CREDENTIALS_REJECTED" } }] });
  await vi.waitFor(() => expect(said()).toContain(`"msg":"CAM does not accept the key`), 20_000);
  signal("SIGTERM");
  const { stdout, stderr } = await ended;
  expect(stderr).toContain("CAM MFA gateway, server mode");
  expect(stdout + stderr).not.toContain("hidden-secret-key");
  expect(stdout + stderr).not.toContain(token.split(".")[2]);
});

test("a port in use is reported in a sentence, with exit code 1", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as AddressInfo;
  const { exitCode, stdout, stderr } = await runGateway(["--local"], { ...LOCAL, PORT: String(port) });
  expect(exitCode).toBe(1);
  // The gateway learns the owner of its key before it listens. The emulator may answer in time or not.
  const events = stdout
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).event);
  expect(["cam.key_loaded", "cam.key_accepted"]).toEqual(expect.arrayContaining(events));
  expect(stderr).toBe(
    `127.0.0.1:${port} is already in use. Stop what listens there, or give another port (--port or PORT).\n`,
  );
});

describe("SIGTERM to npm stops the gateway with exit code 0", () => {
  test.each<[script: string, mode: string]>([
    ["start", "local"],
    ["server", "server"],
  ])("npm run %s, which is %s mode", async (script, mode) => {
    const [issuer, folder] = await Promise.all([startIssuer(), temporaryFolder()]);
    const emulator = await startCamEmulator();
    onTestFinished(() => emulator.stop());
    const store = { ADMIN_PORT: "0", DATABASE_URL: databaseUrl };
    const server = { ...LOCAL_KEY, CAM_ENDPOINT: emulator.url, ...store, ...issuer.env };
    const env = {
      ...{ PATH: process.env["PATH"], HOME: folder.path, ...LOCAL },
      ...(mode === "local" ? { DATA_DIR: folder.path } : { ...server, ...SOME_POLICY }),
    };
    // A separate process group, so that the signal reaches only npm, as a supervisor's does.
    const program = startProgram("npm", ["run", script], { cwd: ROOT, env, detached: true });
    const [, url = ""] = /(\S+)$/.exec(await program.line(/^ {2}GraphQL +\S+$/)) ?? [];
    expect(program.lines).toContain(`CAM MFA gateway, ${mode} mode`);
    await post(url, "{ __typename }");
    program.child.kill("SIGTERM");
    const { code, output } = await program.end();
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/\nStopped\.$/) });
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });
});

test("a copy of .env.example works as it documents", async () => {
  const folder = await temporaryFolder();
  const file = await folder.write("env", "PORT=0\nREPLICA=not one\n");
  const [, command = ""] =
    /^# {3}(node_modules\S+ .*?dist\/main\.js serve)/m.exec(await readFile(".env.example", "utf8")) ?? [];
  const [program = "", ...argv] = command.replace("=.env", `=${file}`).split(" ");
  const { code, output } = await startProgram(program, [...argv, "--local", "--check-config"], {
    cwd: ROOT,
  }).end();
  expect(code).toBe(78);
  expect(output).toContain("REPLICA must be");
});

async function post(url: string, query: string, more: Record<string, string> = {}): Promise<unknown> {
  const headers = { "content-type": "application/json", ...more };
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) })).json();
}
