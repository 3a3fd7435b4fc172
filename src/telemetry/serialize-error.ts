import { pino } from "pino";

type Fields = Readonly<Record<string, unknown>>;

/**
 * An error as a log line has it: its kind, message, code and stack, those of its causes within them. Nothing else that
 * hangs on it is written: libraries attach what they could not read, and whole connections with what these hold.
 */
export function serializeError(error: Error): Fields {
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
