import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { USAGE } from "../../src/config/usage.ts";
import { variables } from "../../src/config/variables.ts";

const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
const lines = text.split("\n");
/** Every line that is not prose: `#NAME=value`. */
const assignments = lines.filter((line) => /^#[A-Z][A-Z0-9_]*=/.test(line));
const names = assignments.map((line) => line.slice(1, line.indexOf("=")));

test(".env.example lists exactly the variables that there are, once each", () => {
  expect([...names].sort()).toEqual(Object.keys(variables.shape).sort());
});

test(".env.example sets nothing, so that a copy of it changes nothing", () => {
  expect(lines.filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
});

test(".env.example shows the defaults that there are", () => {
  const shown = Object.fromEntries(
    assignments
      .map((line) => line.slice(1).split("=") as [string, string])
      .filter(([, value]) => value !== ""),
  );
  const defaults = Object.entries(variables.parse({})).filter(([, value]) => value !== undefined);
  expect(shown).toMatchObject(Object.fromEntries(defaults.map(([name, value]) => [name, String(value)])));
  expect(loadConfig(shown, ["--local"])).toEqual(loadConfig({}, ["--local"]));
});

test.each(names)(".env.example explains %s right above it", (name) => {
  const at = lines.findIndex((line) => line.startsWith(`#${name}=`));
  const above = lines[at - 1] ?? "";
  // A value and its file share an explanation.
  expect(above.startsWith("# ") || names.includes(above.slice(1).split("=")[0] ?? "")).toBe(true);
});

test("--help has a line for each variable, in the groups and the order of .env.example", () => {
  const inExample = lines.flatMap(
    (line) => /^# --- (.*) ---$/.exec(line)?.[1] ?? /^#([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? [],
  );
  const [, listed = ""] = USAGE.split("in full:\n");
  const inHelp = [...listed.matchAll(/^ {2}(\S.*)$|^ {4}([A-Z][A-Z0-9_]*) +\S/gm)].map(
    ([, title, name]) => title ?? name,
  );
  expect(inHelp).toEqual(inExample);
  for (const line of USAGE.split("\n")) expect(line.length, line).toBeLessThan(121);
});

test("--help names every flag, and the defaults that there are", () => {
  for (const [name, value] of Object.entries(variables.parse({}))) {
    if (value !== undefined) expect(USAGE).toMatch(new RegExp(`^ {4}${name} +\\S.* \\(${value}\\)$`, "m"));
  }
  for (const flag of ["--local", "--check-config", "--help"]) expect(USAGE).toContain(`  ${flag} `);
});
