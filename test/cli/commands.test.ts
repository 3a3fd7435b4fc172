import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { COMMANDS, type CommandName, findCommand } from "../../src/cli/commands.ts";
import { policyExplain } from "../../src/cli/policy/policy-explain.ts";
import { runCommand } from "./run-command.ts";

test("a command is said in one word or in two", () => {
  expect(findCommand(["policy", "explain", "--help"])).toEqual({ command: policyExplain, args: ["--help"] });
  expect(findCommand(["policy:explain", "x"])).toEqual({ command: policyExplain, args: ["x"] });
  for (const words of [[], ["policy"], ["policy", "toString"], ["toString"], ["explain", "policy"]]) {
    expect(() => findCommand(words), words.join(" ")).toThrow("policy explain");
  }
});

describe("npx cam-gateway", () => {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const gateway = (...words: string[]) =>
    promisify(execFile)(process.execPath, [main, ...words], { env: {} });

  test.each(["--help", "-h", "help"])("%s lists every command, with 0", async (word) => {
    const { stdout, stderr } = await gateway(word);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^Usage: npx cam-gateway COMMAND/);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/gm)].map(([, name]) => name);
    expect(listed).toEqual(Object.keys(COMMANDS).map((name) => name.replace(":", " ")));
    for (const name of Object.keys(COMMANDS)) {
      expect(await runCommand(name as CommandName, ["--help"])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Usage: npm run /),
      });
    }
  });

  test.each<[words: readonly string[], problem: string]>([
    [[], "Say a command."],
    [["audit"], "Say which: audit export, audit verify."],
    [["policy", "toString"], "Say which: policy explain."],
    [["toString"], "There is no such command."],
  ])("%j is told what there is, with 2", async (words, problem) => {
    await expect(gateway(...words)).rejects.toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(`${problem}\n\nUsage: npx cam-gateway COMMAND`),
    });
  });
});
