import type { SchemaChange } from "./breaking-changes.ts";

const HEADING = "### Breaking schema changes";

/** Returns the line with which CHANGELOG.md records a breaking change. */
export function lineFor({ path, message }: SchemaChange): string {
  return `\`${path}\`: ${message}`;
}

/** Returns the list items under the heading, of all releases. */
export function recordedLines(changelog: string): readonly string[] {
  const sections = changelog.split(/^(?=##)/m).filter((section) => section.startsWith(`${HEADING}\n`));
  return sections.flatMap((section) =>
    [...section.matchAll(/^- (.+(?:\n {2}.+)*)/gm)].map(([, line = ""]) => line.replace(/\s+/g, " ")),
  );
}
