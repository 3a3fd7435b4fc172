/** One fenced block of a Markdown page. */
export interface FencedBlock {
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
