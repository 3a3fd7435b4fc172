import { readFileSync } from "node:fs";

/** Returns the text of several pages, in order. */
export function readPages(...paths: readonly string[]): string {
  return paths.map((path) => readFileSync(path, "utf8")).join("\n");
}
