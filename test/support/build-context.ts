import { globSync, readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";

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
