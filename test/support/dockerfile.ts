import { globSync, readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";

export interface Instruction {
  readonly keyword: string;
  /** `--from=build` is `{ from: "build" }`. */
  readonly flags: Readonly<Record<string, string>>;
  /** What follows the flags. */
  readonly text: string;
}

export interface Stage {
  /** The name after AS; empty where there is none. */
  readonly name: string;
  /** The stage or image that it starts from. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** Parses the instructions of a Dockerfile by stage, without comments and with continued lines joined. */
export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text.split("\n").filter((line) => !/^\s*(#|$)/.test(line));
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const line of lines
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")) {
    const instruction = parseInstruction(line);
    const { keyword, text: argument } = instruction;
    if (keyword === "FROM") {
      const [from = "", , name = ""] = argument.split(/\s+/);
      stages.push({ name, from, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

function parseInstruction(line: string): Instruction {
  const [, keyword = "", rest = ""] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
  const [given = ""] = /^(--[\w-]+=\S+\s+)*/.exec(rest) ?? [];
  const flags = [...given.matchAll(/--([\w-]+)=(\S+)/g)].map(([, name, value]) => [name, value]);
  return { keyword: keyword.toUpperCase(), flags: Object.fromEntries(flags), text: rest.slice(given.length) };
}

/** Returns the arguments of the exec form, `["node", "dist/main.js"]`. */
export function execForm(text: string): readonly string[] {
  return JSON.parse(text.slice(text.indexOf("[")));
}

/** Returns the files of Docker's build context: all files below `root` that .dockerignore does not exclude. */
export function buildContext(root: string): readonly string[] {
  const patterns = readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => !/^\s*(#|$)/.test(line));
  const isTaken = (file: string): boolean => {
    let taken = true;
    // The last pattern that matches the file, or a folder that it is in, decides.
    for (const pattern of patterns) {
      const wanted = pattern.startsWith("!");
      if (matchesPathOrParent(file, wanted ? pattern.slice(1) : pattern)) taken = wanted;
    }
    return taken;
  };
  const skipped = new Set(["node_modules", ".git", "dist"]);
  return globSync("**/*", { cwd: root, withFileTypes: true, exclude: ({ name }) => skipped.has(name) })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, "/").length))
    .filter(isTaken);
}

function matchesPathOrParent(file: string, pattern: string): boolean {
  const parts = file.split("/");
  return parts.some((_, index) => matchesGlob(parts.slice(0, index + 1).join("/"), pattern));
}
