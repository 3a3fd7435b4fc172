import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createProgram } from "../../src/cli/cli.ts";
import { EXIT_CODES } from "../../src/cli/command-result.ts";

const page = readFileSync("docs/operators/command-line.md", "utf8");
const rows = [...readFileSync("docs/operators/exit-codes.md", "utf8").matchAll(/^\| (.*) \|$/gm)].map(
  ([, row = ""]) => row.split("|").map((cell) => cell.trim()),
);

test("the page of exit codes has those of every command", () => {
  const codes = ["0", "1", "2", "78"];
  expect(rows).toContainEqual(["command", ...codes]);
  const shown = rows.filter(([first]) => first?.startsWith("`"));
  const expected = Object.entries<Readonly<Record<string, string>>>(EXIT_CODES).map(([command, meanings]) => [
    `\`${command}\``,
    ...codes.map((code) => meanings[code] ?? ""),
  ]);
  expect(shown).toEqual(expected);
});

test("the page lists every command of the program", () => {
  const program = createProgram({ env: {}, stdout: process.stdout, stderr: process.stderr, exitCode: 0 });
  const names = program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : command.commands.map((inner) => `${command.name()} ${inner.name()}`),
  );
  expect(names.sort()).toEqual(Object.keys(EXIT_CODES).sort());
  for (const name of names) expect(page).toContain(`\`${name}\``);
});

test("its commands use options that exist", () => {
  const { commands } = createProgram({
    env: {},
    stdout: process.stdout,
    stderr: process.stderr,
    exitCode: 0,
  });
  const known = commands
    .flatMap((command) => [command, ...command.commands])
    .flatMap(({ options }) => options.map(({ long }) => long));
  const named = [...page.matchAll(/(?<=[\s`])--[a-z][a-z-]*/g)].map(([option]) => option);
  const ofOthers = ["--help", "--version", "--silent"];
  expect(named.filter((option) => !known.includes(option) && !ofOthers.includes(option))).toEqual([]);
});
