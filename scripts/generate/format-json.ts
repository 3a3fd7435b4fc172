const LINE_WIDTH = 110;

/**
 * Formats JSON as this repository's formatter does: small values on one line, all others one entry per line. Otherwise
 * formatting and generating would undo each other.
 */
export function formatJson(value: unknown): string {
  return `${formatValue(value, "", 0)}\n`;
}

/** `used` is the number of columns before the value on its line. */
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

/** Returns whether a value is a list of scalars, or an object with at most one scalar. */
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
