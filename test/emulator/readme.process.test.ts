import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { loadSeedFile } from "../../src/emulator/index.ts";
import { loadEmulatorConfig } from "../../src/emulator/run-emulator.ts";
import { startEmulator } from "./start-emulator.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = readFileSync(new URL("../../src/emulator/README.md", import.meta.url), "utf8");

const commands = README.split("\n").filter((line) => line.startsWith("curl "));

test("every curl command of the README works, in order", async () => {
  const emulator = await startEmulator();
  const failures: string[] = [];
  for (const command of commands) {
    const local = command.replace("http://127.0.0.1:4101", emulator.controlUrl);
    const { stdout } = await promisify(execFile)(
      "sh",
      ["-c", `${local} -s --noproxy '*' -w '%{http_code}'`],
      { cwd: ROOT },
    );
    if (!/2\d\d$/.test(stdout)) failures.push(`${command}\n${stdout}`);
  }
  expect(commands.length).toBeGreaterThan(15);
  expect(failures).toEqual([]);
}, 60_000);

test("the README's example of embedding runs", async () => {
  const [, example = ""] = /```ts\n(.*?)```/s.exec(README) ?? [];
  const entry = new URL("../../src/emulator/index.ts", import.meta.url).href;
  expect(example).toContain("./index.ts");
  const code = example.replace("./index.ts", entry);
  const { stderr } = await promisify(execFile)(process.execPath, [
    "--input-type=module-typescript",
    "-e",
    code,
  ]);
  expect(stderr).toBe("");
});

test("the README lists exactly the emulator's settings", () => {
  const named = [...README.matchAll(/^\| `(CAM_EMULATOR_\w+)`/gm)].map(([, name = ""]) => name);
  for (const name of named) {
    const attempt = () => loadEmulatorConfig({ [name]: "\u0000" });
    const isKnown = name === "CAM_EMULATOR_HOST" || tellsAbout(attempt, name);
    expect(isKnown, name).toBe(true);
  }
  expect(named).toHaveLength(10);
});

test("the README lists the users of the seed", () => {
  const rows = README.replace(/ +/g, " ");
  for (const { uin, name } of loadSeedFile().users) expect(rows).toContain(`| ${uin} | ${name} |`);
});

test("the README lists the roles of the seed", () => {
  for (const { name } of loadSeedFile().roles) expect(README).toMatch(new RegExp(`^\\| ${name} `, "m"));
});

function tellsAbout(attempt: () => unknown, name: string): boolean {
  try {
    attempt();
    return false;
  } catch (error) {
    return (
      error instanceof Error &&
      error.message.includes(`${name}: `) &&
      !error.message.includes("no such setting")
    );
  }
}
