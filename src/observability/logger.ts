import { type Logger, pino } from "pino";

export type { Logger };

export interface LoggerOptions {
  readonly level: string;
  /** Where lines go; stdout when left out. */
  readonly destination?: { write(line: string): void };
}

/** Names under which a secret or a token could stand, wherever an object that is logged has them. */
const SECRET_KEYS = ["authorization", "cookie", "secretKey", "token", "x-tc-token", "signature"];

/**
 * JSON lines. Secrets are kept out by their type (Secret prints as `[redacted]`); the redaction here is the
 * second net, for headers and foreign objects.
 */
export function createLogger(options: LoggerOptions): Logger {
  const paths = SECRET_KEYS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]);
  const config = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths, censor: "[redacted]" },
  };
  return options.destination === undefined ? pino(config) : pino(config, options.destination);
}
