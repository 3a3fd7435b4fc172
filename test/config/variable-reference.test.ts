import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { markdownTable } from "../../scripts/generate/format.ts";
import { loadConfig } from "../../src/config/config.ts";
import { renderConfigurationPage, variableHelp } from "../../src/config/variable-reference.ts";
import { VARIABLE_GROUPS, variables } from "../../src/config/variables.ts";

const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
const lines = text.split("\n");
/** The lines of the form `#NAME=value`. */
const assignments = lines.filter((line) => /^#[A-Z][A-Z0-9_]*=/.test(line));
const names = assignments.map((line) => line.slice(1, line.indexOf("=")));
const help = variableHelp();

test("every variable has a help text that ends with a period", () => {
  for (const [name, schema] of Object.entries(variables.shape)) {
    expect(schema.meta()?.description, name).toMatch(/^[A-Z][\s\S]*\.$/);
  }
});

test(".env.example lists exactly the variables of the table, once each, in groups", () => {
  expect(names).toEqual(VARIABLE_GROUPS.flatMap((group) => Object.keys(group.variables)));
  expect([...names].sort()).toEqual(Object.keys(variables.shape).sort());
  const titles = lines.flatMap((line) => /^# --- (.*) ---$/.exec(line)?.[1] ?? []);
  expect(titles).toEqual(VARIABLE_GROUPS.map(({ title }) => title));
});

test(".env.example sets nothing, so that a copy of it changes nothing", () => {
  expect(lines.filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
});

test(".env.example shows the defaults", () => {
  const shown = Object.fromEntries(
    assignments
      .map((line) => line.slice(1).split("=") as [string, string])
      .filter(([, value]) => value !== ""),
  );
  const defaults = Object.entries(variables.parse({})).filter(([, value]) => value !== undefined);
  expect(shown).toEqual(Object.fromEntries(defaults.map(([name, value]) => [name, String(value)])));
  expect(loadConfig(shown, "local")).toEqual(loadConfig({}, "local"));
});

test.each(names)(".env.example explains %s directly above it", (name) => {
  const at = lines.findIndex((line) => line.startsWith(`#${name}=`));
  expect(lines[at - 1]).toMatch(/^# \S/);
});

test("--help has a line for each variable, in the groups and the order of .env.example", () => {
  const inExample = lines.flatMap(
    (line) => /^# --- (.*) ---$/.exec(line)?.[1] ?? /^#([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? [],
  );
  const [, listed = ""] = help.split("in full:\n");
  const inHelp = [...listed.matchAll(/^ {2}(\S.*)$|^ {4}([A-Z][A-Z0-9_]*) +\S/gm)].map(
    ([, title, name]) => title ?? name,
  );
  expect(inHelp).toEqual(inExample);
  for (const line of help.split("\n")) expect(line.length, line).toBeLessThan(121);
});

test("--help names the defaults", () => {
  const flat = help.replaceAll(/\n {40}/g, " ");
  for (const [name, value] of Object.entries(variables.parse({}))) {
    if (value !== undefined) expect(flat).toMatch(new RegExp(`^ {4}${name} +\\S.* \\(${value}\\)$`, "m"));
  }
});

test("the documentation page has a row for each variable", () => {
  const rows = [
    ...renderConfigurationPage("Generated.", markdownTable).matchAll(/^\| `([A-Z0-9_]+)` +\| /gm),
  ];
  expect(rows.map(([, name]) => name)).toEqual(names);
});
