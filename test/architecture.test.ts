import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT, readModule } from "./support/read-module.ts";

const SRC = join(ROOT, "src/");

/**
 * The folders and single files of src, with the ones that each may import. The table of ARCHITECTURE.md is the rule.
 * Type-only imports count.
 */
const CODE_MAP = readCodeMap();
const ROOMS = CODE_MAP.map(({ room }) => room);
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  CODE_MAP.map(({ room, targets }) => [room, targetsOf(targets, ROOMS)]),
);

interface CodeMapRow {
  readonly room: string;
  /** The file of the folder to read first; undefined for a single file. */
  readonly startAt: string | undefined;
  readonly targets: string;
}

function readCodeMap(): readonly CodeMapRow[] {
  const rows = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8").matchAll(
    /^\| `([a-z0-9-]+)(?:\/|\.ts)` +\|[^|]+\| +(?:`([^`|]+)`|—) +\| ([^|]+?) +\|$/gm,
  );
  return [...rows].map(([, room = "", startAt, targets = ""]) => ({ room, startAt, targets }));
}

/** Parses "nothing", a list of folders and files, or "every folder but a, b". */
function targetsOf(text: string, rooms: readonly string[]): readonly string[] {
  if (text === "nothing") return [];
  const [, excluded] = /^every folder but (.+)$/.exec(text) ?? [];
  if (excluded !== undefined) return rooms.filter((room) => !excluded.split(", ").includes(room));
  return text.split(", ");
}

/** The names that a folder may import from cam. quota needs only the interface that it implements. */
const ONLY_FROM_CAM: Readonly<Record<string, readonly string[]>> = {
  quota: ["Quota", "SlotRequest", "Slot", "SlotOutcome"],
};

/** The packages that a folder may import, if consumers share the folder or it must be independent. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  contract: /^$/,
  client: /^$/,
  emulator: /^(node:|zod$)/,
  containers: /^node:/,
};

interface Import {
  readonly file: string;
  readonly room: string;
  readonly specifier: string;
  /** The imported folder or single file; undefined for a package. */
  readonly target: string | undefined;
  readonly targetFile: string | undefined;
  readonly names: readonly string[];
}

const files = globSync("**/*.{ts,tsx}", { cwd: SRC }).filter(
  (file) => !/^http\/(playground|console)\/app\//.test(file),
);
const imports = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  return readModule(`src/${file}`).imports.map(({ specifier, target: path, names, isReexport }) => {
    const targetFile = path?.replace(/^src\//, "");
    const target = targetFile && roomOf(targetFile);
    return { file, room: roomOf(file), specifier, target, targetFile, names: isReexport ? ["*"] : names };
  });
}

function roomOf(file: string): string {
  const [first = ""] = file.split("/");
  return first.replace(/\.tsx?$/, "");
}

test.each(CODE_MAP.filter(({ startAt }) => startAt !== undefined))(
  "$startAt of src/$room opens with a comment about the folder",
  ({ room, startAt }) => {
    const text = readFileSync(join(SRC, room, startAt ?? ""), "utf8");
    const [comment = ""] = /^(?:import[^;]+;\s*)*\/\*\*.*?\*\//s.exec(text.replace(/^#!.*\n/, "")) ?? [];
    expect(comment.split("\n").filter((line) => /^ \* /.test(line)).length).toBeGreaterThanOrEqual(2);
  },
);

describe("the import rules", () => {
  test("name every folder and file of src, and no others", () => {
    expect(Object.keys(MAY_IMPORT).sort()).toEqual([...new Set(files.map(roomOf))].sort());
  });

  test("allow every import", () => {
    const trespasses = imports
      .filter(
        ({ room, target }) => target !== undefined && target !== room && !MAY_IMPORT[room]?.includes(target),
      )
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(trespasses).toEqual([]);
  });

  test("allow cam/ and contract/ only through their index", () => {
    const sideDoors = imports
      .filter(({ room, target }) => target !== room && (target === "cam" || target === "contract"))
      .filter(({ targetFile, target }) => targetFile !== `${target}/index.ts`)
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(sideDoors).toEqual([]);
  });

  test("allow the emulator only to local mode and to its own command", () => {
    const users = imports.filter(({ room, target }) => target === "emulator" && room !== "emulator");
    expect(new Set(users.map(({ file }) => file))).toEqual(
      new Set(["gateway/local-cam.ts", "cli/emulator.ts"]),
    );
    // The command imports it when it runs: a static import would load it into every gateway.
    const command = readFileSync(join(SRC, "cli/emulator.ts"), "utf8");
    expect(command).toContain('await import("../emulator/run-emulator.ts")');
    expect(command).not.toMatch(/^import .*emulator/m);
  });

  test("allow quota/ only the interface of cam/ that it implements", () => {
    const more = imports
      .filter(({ target, room }) => target === "cam" && ONLY_FROM_CAM[room] !== undefined)
      .flatMap(({ file, room, names }) =>
        names.filter((name) => !ONLY_FROM_CAM[room]?.includes(name)).map((name) => `${file} imports ${name}`),
      );
    expect(more).toEqual([]);
  });

  test("keep contract/ and client/ free of packages, and the emulator free of code that signs", () => {
    const foreign = imports
      .filter(
        ({ room, target, specifier }) => target === undefined && PACKAGES[room]?.test(specifier) === false,
      )
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(foreign).toEqual([]);
  });

  test("allow no cycle between files", () => {
    const next = Map.groupBy(imports, ({ file }) => file);
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const { targetFile } of next.get(file) ?? []) if (targetFile) visit(targetFile, [...path, file]);
      state.set(file, "done");
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });
});
