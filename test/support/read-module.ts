import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

/** The folder of the project. Paths of modules are relative to it. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface ModuleImport {
  readonly specifier: string;
  /** The imported file; undefined for a package. */
  readonly target: string | undefined;
  /** The imported names; `*` for all names. */
  readonly names: readonly string[];
  readonly isReexport: boolean;
}

export interface SourceModule {
  readonly file: string;
  readonly exports: readonly string[];
  /** Static imports, re-exports and `import()`, with types. */
  readonly imports: readonly ModuleImport[];
}

/** Reads the imports and exports of a TypeScript file. */
export function readModule(file: string): SourceModule {
  const text = readFileSync(join(ROOT, file), "utf8");
  const { module } = parseSync(file, text);
  const describe = (specifier: string, names: readonly string[], isReexport = false): ModuleImport => ({
    ...{ specifier, names, isReexport },
    target: specifier.startsWith(".") ? relative(ROOT, join(ROOT, dirname(file), specifier)) : undefined,
  });
  const entries = module.staticExports.flatMap((statement) => statement.entries);
  const imports = [
    ...module.staticImports.map(({ moduleRequest, entries: imported }) =>
      describe(
        moduleRequest.value,
        imported.map(({ importName }) => importName.name ?? "*"),
      ),
    ),
    ...entries.flatMap(({ moduleRequest, importName }) =>
      moduleRequest ? [describe(moduleRequest.value, [importName.name ?? "*"], true)] : [],
    ),
    ...[...text.matchAll(/import\(\s*"(\.[^"]+)"\s*\)/g)].map(([, specifier = ""]) =>
      describe(specifier, ["*"]),
    ),
  ];
  return { file, exports: entries.flatMap(({ exportName }) => exportName.name ?? []), imports };
}
