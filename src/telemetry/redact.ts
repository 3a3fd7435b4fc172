import { pino } from "pino";

/** Names under which a secret or a token could stand, in an object that is logged or up to three levels within it. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "password",
  "x-router-secret",
  "secretKey",
  "token",
  "x-tc-token",
  "signature",
]);

const LEVELS = 4;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields with whatever has the name of a secret struck out, and errors without what hangs on them; the object itself is not
 * changed. pino's `redact` looks up each of many paths for every line, which takes longer than all else that a line needs.
 */
export function redact(fields: Fields, levels = LEVELS): Fields {
  let struck: Record<string, unknown> | undefined;
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    const shown = SECRET_NAMES.has(name) ? "[redacted]" : strikeWithin(value, levels - 1);
    if (shown === value) continue;
    struck ??= { ...fields };
    struck[name] = shown;
  }
  return struck ?? fields;
}

function strikeWithin(value: unknown, levels: number): unknown {
  if (value instanceof Error) return serializeError(value);
  const hasFields = typeof value === "object" && value !== null;
  return hasFields && levels > 0 ? redact(value as Fields, levels) : value;
}

/**
 * An error as a log line has it: its kind, message, code and stack, those of its causes within them. Nothing else that
 * hangs on it is written: libraries attach what they could not read, and whole connections with what these hold.
 */
function serializeError(error: Error): Fields {
  return shown(pino.stdSerializers.err(error) as unknown as Fields);
}

function shown({ type, message, code, stack, aggregateErrors }: Fields): Fields {
  return {
    ...{ type, message },
    ...(typeof code === "string" && { code }),
    stack,
    ...(Array.isArray(aggregateErrors) && { aggregateErrors: aggregateErrors.map(shown) }),
  };
}
