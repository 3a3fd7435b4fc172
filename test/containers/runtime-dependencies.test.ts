import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { expect, test } from "vitest";
import { ROOT } from "../support/compose-file.ts";

const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Packages without an import in our code: the peer dependency of type-graphql. */
const WITHOUT_IMPORT: readonly string[] = ["graphql-scalars"];

/** Source files that run in the gateway. The pages are bundles, so their libraries are for the build only. */
const files = globSync("src/**/*.ts", { cwd: ROOT }).filter(
  (file) => !/(playground|console)\/app\//.test(file),
);

/** Returns the packages that a module imports at run time, without type-only imports. */
function packagesOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const { module } = parseSync(file, text);
  const isTypeOnly = (start: number) => /^(import|export)\s+type\b/.test(text.slice(start, start + 20));
  const specifiers = [
    ...module.staticImports
      .filter(({ start }) => !isTypeOnly(start))
      .map((entry) => entry.moduleRequest.value),
    ...module.staticExports
      .filter(({ start }) => !isTypeOnly(start))
      .flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? [])),
    ...module.dynamicImports.map(({ moduleRequest }) =>
      text.slice(moduleRequest.start + 1, moduleRequest.end - 1),
    ),
  ];
  return specifiers
    .filter((specifier) => !specifier.startsWith(".") && !isBuiltin(specifier))
    .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
}

const needed = Map.groupBy(
  files.flatMap((file) => packagesOf(file).map((name) => ({ name, file }))),
  ({ name }) => name,
);

test("the gateway imports only packages of dependencies, and none of devDependencies", () => {
  const missing = [...needed].filter(([name]) => !Object.hasOwn(dependencies, name));
  expect(missing.map(([name, [user]]) => `${user?.file} imports ${name}`)).toEqual([]);
});

test("every package of dependencies is imported by the gateway", () => {
  const unused = Object.keys(dependencies).filter(
    (name) => !needed.has(name) && !WITHOUT_IMPORT.includes(name),
  );
  expect(unused).toEqual([]);
  expect(Object.keys(devDependencies).filter((name) => needed.has(name))).toEqual([]);
});
