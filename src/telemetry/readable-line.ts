/** What would move a terminal's cursor or turn its text around: JSON escapes only some of these. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same line of JSON, in which a terminal shows every character that JSON itself leaves as it is. */
export function escapedJson(line: string): string {
  return line
    .trimEnd()
    .replace(UNSEEN, (character) =>
      Array.from(
        { length: character.length },
        (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
      ).join(""),
    );
}

/** A line of the gateway's log as a person reads it: level, message, and the rest as it is. Other lines stay. */
export function readableLine(line: string): string {
  if (!line.startsWith("{")) return line;
  try {
    const { level, msg, time, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const more = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    return [String(level), String(msg), ...more].join("  ").replace(UNSEEN, visible);
  } catch {
    return line;
  }
}

function visible(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
