import { readFileSync } from "node:fs";

/** The text of several pages, one after the other. */
export function readPages(...paths: readonly string[]): string {
  return paths.map((path) => readFileSync(path, "utf8")).join("\n");
}
