import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const MAX_FILES = 300;
const MAX_LINES = 300;

/** Names that say what a file is by its folder alone. */
const SHARED_NAMES = new Set(["index.ts", "main.ts", "main.tsx"]);

const source = globSync("src/**/*.*", { cwd: ROOT });
const modules = globSync("{src,test,bench,scripts,examples}/**/*.{ts,tsx}", {
  cwd: ROOT,
  exclude: (path) => path.includes("node_modules"),
}).map(readModule);

interface Module {
  readonly file: string;
  readonly exports: readonly string[];
  /** `file#name` of each import from a file, and `file#*` of an import of all names. */
  readonly imports: readonly string[];
}

function readModule(file: string): Module {
  const text = readFileSync(join(ROOT, file), "utf8");
  const { module } = parseSync(file, text);
  const target = (specifier: string): string => relative(ROOT, join(ROOT, dirname(file), specifier));
  const imports = module.staticImports.flatMap(({ moduleRequest, entries }) =>
    entries.map(({ importName }) => `${target(moduleRequest.value)}#${importName.name ?? "*"}`),
  );
  const entries = module.staticExports.flatMap((statement) => statement.entries);
  const forwarded = entries.flatMap(({ moduleRequest, importName }) =>
    moduleRequest ? [`${target(moduleRequest.value)}#${importName.name ?? "*"}`] : [],
  );
  const dynamic = [...text.matchAll(/import\(\s*"(\.[^"]+)"\s*\)/g)].map(
    ([, specifier = ""]) => `${target(specifier)}#*`,
  );
  const exports = entries.flatMap(({ exportName }) => exportName.name ?? []);
  return { file, exports, imports: [...imports, ...forwarded, ...dynamic] };
}

test(`src has at most ${MAX_FILES} files`, () => {
  expect(source.length).toBeLessThanOrEqual(MAX_FILES);
});

test(`no file of src has more than ${MAX_LINES} lines`, () => {
  const long = source.filter(
    (file) => readFileSync(join(ROOT, file), "utf8").split("\n").length - 1 > MAX_LINES,
  );
  expect(long).toEqual([]);
});

test("no two files of src have the same name", () => {
  const byName = Map.groupBy(source, (file) => basename(file));
  const shared = [...byName].filter(([name, files]) => files.length > 1 && !SHARED_NAMES.has(name));
  expect(shared.map(([, files]) => files)).toEqual([]);
});

test("every export of src has an importer, except those of the published client", () => {
  const imported = new Set(modules.flatMap(({ imports }) => imports));
  const unused = modules
    .filter(
      ({ file }) => file.startsWith("src/") && !/^src\/client\/(index|graphql-extensions)\.ts$/.test(file),
    )
    .flatMap(({ file, exports }) =>
      imported.has(`${file}#*`)
        ? []
        : exports.filter((name) => !imported.has(`${file}#${name}`)).map((name) => `${file}: ${name}`),
    );
  expect(unused).toEqual([]);
});
