/** What would move a terminal's cursor or turn its text around: JSON escapes only some of these. */
const UNSEEN = /[\p{Cc}\p{Cf}]/gu;

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
