import { type DestinationStream, type Logger, pino } from "pino";
import { readableLine } from "./readable-line.ts";
import { strikeSecrets } from "./strike-secrets.ts";

export type { Logger };

export interface LoggerOptions {
  readonly level: string;
  /** Where lines go; stdout when left out. */
  readonly destination?: { write(line: string): void };
  /** Lines for a person instead of JSON, which is for programs. */
  readonly readable?: boolean;
}

const STDOUT_FD = 1;

/**
 * JSON lines, unless told otherwise. Secrets are kept out by their type (Secret prints as `[redacted]`); the redaction here is the
 * second net, for headers and foreign objects.
 */
export function createLogger(options: LoggerOptions): Logger {
  const config = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: strikeSecrets },
    // An error has its form already.
    serializers: { err: (error: unknown) => error },
  };
  const destination = options.destination ?? createStdout();
  return pino(config, options.readable ? inReadableForm(destination) : destination);
}

function inReadableForm(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(`${readableLine(line.trimEnd())}\n`) };
}

/** Less than the destination writes in one piece (16 KiB), so that nothing is left over. */
const MOST_KEPT_BYTES = 8 * 1024;

/**
 * The lines of one turn of the event loop go out together at its end, written at once, which takes less CPU time than a
 * write for each, or than handing them to the thread pool. A process that is killed takes the lines of its last turn with
 * it, and one that ends by itself none. The price: who reads the lines has to keep up.
 */
function createStdout(): DestinationStream {
  const stdout = pino.destination({ dest: STDOUT_FD, sync: true, minLength: MOST_KEPT_BYTES });
  let isDue = false;
  const flush = (): void => {
    isDue = false;
    stdout.flush();
  };
  process.on("exit", flush);
  return {
    write: (line) => {
      stdout.write(line);
      if (isDue) return;
      isDue = true;
      setImmediate(flush);
    },
  };
}
