import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { loadEmulatorConfig } from "../../src/emulator/run-emulator.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { startEmulator } from "./start-emulator.ts";

beforeAll(buildGateway);

/** Runs `cam-gateway emulator`. */
function run(env: Record<string, string>, ...flags: string[]): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, "emulator", ...flags], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

async function outputUntil(child: ChildProcess, last: RegExp): Promise<string> {
  if (!child.stderr) throw new Error("No output to read");
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    if (last.test(line)) break;
  }
  return lines.join("\n");
}

async function failure(child: ChildProcess): Promise<{ code: number; message: string }> {
  let message = "";
  child.stderr?.on("data", (chunk) => {
    message += String(chunk);
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, message };
}

const FREE_PORTS = { CAM_EMULATOR_PORT: "0", CAM_EMULATOR_CONTROL_PORT: "0" };

test("its flags override the variables, and standard output stays empty", async () => {
  const { url } = await startEmulator();
  const child = run({ CAM_EMULATOR_PORT: new URL(url).port }, "--port", "0", "--control-port", "0");
  let stdout = "";
  child.stdout?.on("data", (chunk) => {
    stdout += String(chunk);
  });
  expect(await outputUntil(child, /SecretKey/)).toMatch(/API +http:\/\/127\.0\.0\.1:\d+/);
  child.kill("SIGTERM");
  await once(child, "close");
  expect(stdout).toBe("");
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "it prints its addresses and key pair, and %s ends it with 0",
  async (signal) => {
    const child = run(FREE_PORTS);
    const output = await outputUntil(child, /SecretKey/);
    expect(output).toMatch(/API +http:\/\/127\.0\.0\.1:\d+/);
    expect(output).toMatch(/Control +http:\/\/127\.0\.0\.1:\d+/);
    expect(output).toMatch(/SecretId +AKIDLOCALEXAMPLE/);
    expect(output).toMatch(/SecretKey +LocalExampleSecretKey/);
    child.kill(signal);
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(0);
  },
);

test("bad settings produce one message with every problem, and exit code 78", async () => {
  const { code, message } = await failure(
    run({
      CAM_EMULATOR_PORT: "http",
      CAM_EMULATOR_CONTROL_PORT: "70000",
      CAM_EMULATOR_WINDOW: "round",
      CAM_EMULATOR_RATE: "-1",
      CAM_EMULATOR_SEED_FILE: "/nowhere/seed.json",
      CAM_EMULATOR_WINDOWS: "x",
    }),
  );
  expect(code).toBe(78);
  for (const name of ["PORT", "CONTROL_PORT", "WINDOW", "RATE", "SEED_FILE", "WINDOWS"]) {
    expect(message).toMatch(new RegExp(`- CAM_EMULATOR_${name}: `));
  }
  expect(message).not.toMatch(/^ +at /m);
});

test("--users sets the size of the account, and another option is refused", async () => {
  const child = run(FREE_PORTS, "--users", "40");
  const [control] =
    /http:\/\/127\.0\.0\.1:\d+(?=\n.*SecretId)/.exec(await outputUntil(child, /SecretKey/)) ?? [];
  expect(await (await fetch(`${control}/users`)).json()).toHaveLength(40);
  expect(await failure(run(FREE_PORTS, "--user", "40"))).toMatchObject({
    code: 78,
    message: expect.stringMatching(/Unknown option '--user'/),
  });
});

test("a port in use produces a message without a stack trace", async () => {
  const emulator = await startEmulator();
  const { code, message } = await failure(
    run({ ...FREE_PORTS, CAM_EMULATOR_PORT: new URL(emulator.url).port }),
  );
  expect(code).toBe(1);
  expect(message).toMatch(/another program is already using that port/);
  expect(message).not.toMatch(/^ +at /m);
});

test("the settings have documented defaults, and an empty variable counts as unset", () => {
  expect(loadEmulatorConfig({ CAM_EMULATOR_PORT: "", OTHER: "x" })).toMatchObject({
    host: "127.0.0.1",
    port: 4100,
    controlPort: 4101,
    window: "sliding",
    omittedIntegers: "zero",
    nullRegion: "accept",
    ratePerSecond: 20,
  });
});

/** The variables that Kubernetes sets for a Service with one named port. */
const linksOf = (prefix: string, address = "10.96.0.12", port = "4100") => ({
  [`${prefix}_SERVICE_HOST`]: address,
  [`${prefix}_SERVICE_PORT`]: port,
  [`${prefix}_SERVICE_PORT_HTTP`]: port,
  [`${prefix}_PORT`]: `tcp://${address}:${port}`,
  [`${prefix}_PORT_${port}_TCP`]: `tcp://${address}:${port}`,
  [`${prefix}_PORT_${port}_TCP_PROTO`]: "tcp",
  [`${prefix}_PORT_${port}_TCP_PORT`]: port,
  [`${prefix}_PORT_${port}_TCP_ADDR`]: address,
});

test("variables of Kubernetes Services with the emulator's prefix are ignored, and a warning names the Services", () => {
  const env = {
    ...linksOf("CAM_EMULATOR"),
    ...linksOf("CAM_EMULATOR_CONTROL", "[fd00::1]"),
    ...linksOf("REDIS"),
  };
  expect(loadEmulatorConfig(env)).toMatchObject({
    ...{ port: 4100, controlPort: 4101 },
    warnings: [
      expect.stringMatching(/CAM_EMULATOR_PORT for the Service cam-emulator,/),
      expect.stringMatching(/CAM_EMULATOR_CONTROL_PORT for the Service cam-emulator-control,/),
    ],
  });
});

test("a port that an operator sets wins over the Service's, without a warning", () => {
  const env = { ...linksOf("CAM_EMULATOR"), CAM_EMULATOR_PORT: "5100" };
  expect(loadEmulatorConfig(env)).toMatchObject({ port: 5100, warnings: [] });
});

test("the emulator starts next to a Kubernetes Service called cam-emulator and logs one warning", async () => {
  const child = run({
    ...linksOf("CAM_EMULATOR"),
    CAM_EMULATOR_CONTROL_PORT: "0",
    CAM_EMULATOR_HOST: "127.0.0.77",
  });
  // The default port may belong to another program.
  const output = await outputUntil(child, /SecretKey|already using/);
  expect(output).toMatch(/^Kubernetes set CAM_EMULATOR_PORT for the Service cam-emulator, [^\n]+\n/);
  expect(output).not.toMatch(/no such setting/);
});

test("two equal port numbers are refused", () => {
  const env = { CAM_EMULATOR_PORT: "5000", CAM_EMULATOR_CONTROL_PORT: "5000" };
  expect(() => loadEmulatorConfig(env)).toThrow(/must differ/);
});
