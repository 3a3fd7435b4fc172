const LINE_WIDTH = 110;

/**
 * JSON in the layout that this repository's formatter keeps: small things on one line where they fit, everything
 * else one entry per line. Otherwise formatting and generating would undo each other.
 */
export function formatJson(value: unknown): string {
  return `${formatValue(value, "", 0)}\n`;
}

/** `used` is the number of columns that are taken on the line before the value starts. */
function formatValue(value: unknown, indent: string, used: number): string {
  if (isPlain(value)) return JSON.stringify(value);
  const line = onOneLine(value);
  if (line !== undefined && used + line.length + ",".length <= LINE_WIDTH) return line;

  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => inner + formatValue(item, inner, inner.length));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  const entries = Object.entries(value as object).map(([key, item]) => {
    const head = `${inner}${JSON.stringify(key)}: `;
    return head + formatValue(item, inner, head.length);
  });
  return `{\n${entries.join(",\n")}\n${indent}}`;
}

/** Lists of plain values, and objects that hold a single one or nothing. */
function onOneLine(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    return value.every(isPlain) ? `[${value.map((item) => JSON.stringify(item)).join(", ")}]` : undefined;
  }
  const [only, ...others] = Object.entries(value as object);
  if (only === undefined) return "{}";
  if (others.length > 0 || !isPlain(only[1])) return undefined;
  return `{ ${JSON.stringify(only[0])}: ${JSON.stringify(only[1])} }`;
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}
