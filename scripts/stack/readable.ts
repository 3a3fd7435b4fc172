/** A line of a gateway's log as a person reads it: level, message, and the rest as it is. Other lines stay. */
export function readable(line: string): string {
  if (!line.startsWith("{")) return line;
  try {
    const { level, msg, time, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const more = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    return [String(level), String(msg), ...more].join("  ");
  } catch {
    return line;
  }
}
