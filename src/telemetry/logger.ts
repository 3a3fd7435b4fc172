import { type DestinationStream, type Logger, pino } from "pino";
import { type Clock, systemClock } from "../clock.ts";
import { type BoundedOutput, openOutput } from "./bounded-output.ts";
import { redact } from "./redact.ts";

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
    formatters: { level: (label: string) => ({ level: label }), log: redact },
    // An error has its form already.
    serializers: { err: (error: unknown) => error },
  };
  const destination = options.destination ?? openLogOutput(options.readable ?? false);
  const format = options.readable ? (line: string) => readableLine(line.trimEnd()) : escapedJson;
  return pino(config, inForm(destination, format));
}

/** What CAM or a caller wrote may turn a terminal's text around, in JSON as well. */
function inForm(destination: DestinationStream, format: (line: string) => string): DestinationStream {
  return { write: (line) => destination.write(`${format(line)}\n`) };
}

/** Standard output for the lines of a log. A reader that stops reading costs lines and never holds the process. */
export function openLogOutput(readable: boolean, clock: Clock = systemClock): BoundedOutput {
  return openOutput(STDOUT_FD, (dropped) => {
    const time = new Date(clock.now()).toISOString();
    const line = JSON.stringify({ level: "warn", time, dropped, msg: `${dropped} log lines dropped` });
    return `${readable ? readableLine(line) : line}\n`;
  });
}

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
