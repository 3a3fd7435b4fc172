import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { expect, test } from "vitest";
import { ROOT } from "../support/compose-file.ts";

const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Peer dependencies of imported packages: type-graphql has one. */
const WITHOUT_IMPORT: readonly string[] = ["graphql-scalars"];

/** The page's own code is bundled when it is built, so its libraries are needed only then. */
const files = globSync("src/**/*.ts", { cwd: ROOT }).filter((file) => !file.includes("playground/app/"));

/** Packages that a module still asks for once its types are gone. */
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

test("everything that runs imports only packages that are installed without the development's", () => {
  const missing = [...needed].filter(([name]) => !Object.hasOwn(dependencies, name));
  expect(missing.map(([name, [user]]) => `${user?.file} imports ${name}`)).toEqual([]);
});

test("every package that is installed to run is imported by something that runs", () => {
  const unused = Object.keys(dependencies).filter(
    (name) => !needed.has(name) && !WITHOUT_IMPORT.includes(name),
  );
  expect(unused).toEqual([]);
  expect(Object.keys(devDependencies).filter((name) => needed.has(name))).toEqual([]);
});
