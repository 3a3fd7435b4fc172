import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger };

export interface LoggerOptions {
  readonly level: string;
  /** Where lines go; stdout when left out. */
  readonly destination?: { write(line: string): void };
}

const STDOUT_FD = 1;

/** Names under which a secret or a token could stand, wherever an object that is logged has them. */
const SECRET_KEYS = [
  "authorization",
  "cookie",
  "x-router-secret",
  "secretKey",
  "token",
  "x-tc-token",
  "signature",
];

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
  return pino(config, options.destination ?? createStdout());
}

/**
 * Each line is out before the next thing happens, so a process that is killed takes none with it; and writing it at
 * once takes less CPU time than handing it to the thread pool. The price: who reads the lines has to keep up.
 */
function createStdout(): DestinationStream {
  return pino.destination({ dest: STDOUT_FD, sync: true });
}
