import { readFileSync } from "node:fs";

/** Returns the text of several pages, in order. */
export function readPages(...paths: readonly string[]): string {
  return paths.map((path) => readFileSync(path, "utf8")).join("\n");
}

/** One fenced block of a Markdown page. */
interface FencedBlock {
  readonly language: string;
  readonly text: string;
}

/** Returns the fenced blocks of a page, in order. */
export function fencedBlocks(markdown: string): FencedBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}
