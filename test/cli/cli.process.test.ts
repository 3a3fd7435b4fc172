import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { type CommandName, EXIT_CODES, exitCodeHelp } from "../../src/cli/command-result.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { runCommand } from "./run-command.ts";

const COMMANDS = Object.keys(EXIT_CODES) as CommandName[];

describe("cam-gateway", () => {
  beforeAll(buildGateway);
  const gateway = (...words: string[]) =>
    promisify(execFile)(process.execPath, [PROGRAM, ...words], { env: {} });

  test.each(["--help", "-h", "help"])("%s lists every command, with exit code 0", async (word) => {
    const { stdout, stderr } = await gateway(word);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^Usage: cam-gateway \[options\] \[command\]/);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${name.split(" ")[0]}\\b`, "m"));
  });

  test.each<[words: readonly string[], stderr: string]>([
    [[], "Usage: cam-gateway [options] [command]"],
    [["audit"], "Usage: cam-gateway audit [options] [command]"],
    [["policy", "toString"], "Unknown command 'toString'. Try --help.\n"],
    [["toString"], "Unknown command 'toString'. Try --help.\n"],
  ])("%j is an error with exit code 2", async (words, stderr) => {
    await expect(gateway(...words)).rejects.toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(stderr),
    });
  });
});

test.each(COMMANDS)("%s --help describes the command and its exit codes", async (name) => {
  const { code, stdout, stderr } = await runCommand(name, ["--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^Usage: cam-gateway ${name} `));
  expect(stdout).toContain(`${exitCodeHelp(name)}\n`);
});

test("the npm script of each command calls that command", () => {
  const { scripts, bin } = JSON.parse(readFileSync("package.json", "utf8"));
  const called = Object.fromEntries(
    Object.entries(scripts as Record<string, string>).flatMap(([name, script]) => {
      const [, command] = / node dist\/main\.js (.+)$/.exec(script) ?? [];
      return command === undefined ? [] : [[name, command]];
    }),
  );
  expect(bin).toEqual({ "cam-gateway": "dist/main.js" });
  expect(called).toEqual({
    start: "serve --local",
    server: "serve",
    emulator: "emulator",
    "check-config": "check-config",
    mfa: "mfa",
    report: "report",
    rollout: "rollout",
    webhooks: "webhooks",
    migrate: "migrate",
    "audit:accept-restore": "audit accept-restore",
    "audit:export": "audit export",
    "audit:prune": "audit prune",
    "audit:verify": "audit verify",
    "policy:explain": "policy explain",
    doctor: "doctor",
  });
});

describe("serve and check-config", () => {
  test.each([["--help"], ["-h"]])("%s prints the help, even in an invalid environment", async (flag) => {
    const { code, stdout } = await runCommand("serve", ["--local", flag], { PORT: "x" });
    expect(code).toBe(0);
    expect(stdout).toContain("\n    CAM_RATE_PER_SECOND ");
  });

  test.each([
    ["serve", ["--local", "--check-config"]],
    ["check-config", ["--local"]],
  ])("%s %j checks the configuration and starts nothing", async (name, args) => {
    const { code, stdout, stderr } = await runCommand(name, args, { PORT: "0" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^The configuration is valid\.\n {2}Mode {6}local\n/);
  });

  test.each([
    ["serve", "--check-config"],
    ["check-config", "--local"],
  ])("%s %s refuses an invalid configuration with exit code 78", async (name, flag) => {
    const { code, stdout, stderr } = await runCommand(name, [flag], { PORT: "x" });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(/^The configuration cannot be used:\n {2}- PORT must be a whole number\.\n/);
  });

  test.each([
    ["--locl", "Unknown option '--locl' (Did you mean --local?). Try --help.\n"],
    ["local", "Too many arguments for 'serve'. Expected 0 arguments but got 1. Try --help.\n"],
    ["--local=yes", "Unknown option '--local'"],
    ["-x", "Unknown option '-x'. Try --help.\n"],
  ])("serve refuses %s with exit code 78", async (flag, message) => {
    const { code, stdout, stderr } = await runCommand("serve", [flag]);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain(message);
  });
});
