import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, readModule } from "./support/read-module.ts";

/** Room for the subsystems of today. A new subsystem raises it; more files for the same task do not. */
const MAX_FILES = 450;
const MAX_LINES = 300;

/** Names that say what a file is by its folder alone. */
const SHARED_NAMES = new Set([
  ...["index.ts", "main.ts", "main.tsx"],
  // Each page has its own.
  ...["index.html", "tsconfig.json", "vite.config.ts"],
]);

const source = globSync("src/**/*.*", { cwd: ROOT });
const modules = globSync("{src,test,bench,scripts,examples}/**/*.{ts,tsx}", {
  cwd: ROOT,
  exclude: (path) => path.includes("node_modules"),
}).map(readModule);

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
  const imported = new Set(
    modules.flatMap(({ imports }) =>
      imports.flatMap(({ target, names }) => names.map((name) => `${target}#${name}`)),
    ),
  );
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
