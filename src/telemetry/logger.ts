/**
 * Owns the log: its lines, their events and the redaction of secrets. It does not decide when to report: the other
 * parts call `report`. Read log-events.ts next, the table of events.
 */

import { type Logger as PinoLogger, pino } from "pino";
import { type Clock, systemClock } from "../clock.ts";
import { type BoundedOutput, openOutput } from "./bounded-output.ts";
import { LOG_EVENTS, type Report } from "./log-events.ts";
import { redact } from "./redact.ts";

type LineFormat = (jsonLine: string) => string;

export interface LoggerOptions {
  readonly level: string;
  /** The destination of the lines. The default is stdout. */
  readonly destination?: { write(line: string): void };
  /** Turns a JSON line into another form, such as `readableLine`. By default the lines stay JSON. */
  readonly format?: LineFormat | undefined;
}

export interface Logger {
  readonly report: Report;
  /** Returns a logger that adds the fields to every line. */
  child(fields: object): Logger;
  /** Returns a logger for a library that writes messages of its own. Their event is `library.message`. */
  forLibrary(library: string): PinoLogger;
}

const STDOUT_FD = 1;

/**
 * Creates a logger of JSON lines. Secrets are kept out by their type: Secret prints as `[redacted]`. The redaction here
 * is a second safeguard, for headers and for objects of libraries.
 */
export function createLogger({ level, destination, format }: LoggerOptions): Logger {
  const output = destination ?? openLogOutput(format);
  const formatLine = format ?? escapedJson;
  const config = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: redact },
    // `redact` has serialised errors already.
    serializers: { err: (error: unknown) => error },
  };
  return wrap(pino(config, { write: (line) => output.write(`${formatLine(line.trimEnd())}\n`) }));
}

function wrap(lines: PinoLogger): Logger {
  return {
    report: (event, fields) => {
      const { level, message } = LOG_EVENTS[event];
      lines[level]({ event, ...fields }, message);
    },
    child: (fields) => wrap(lines.child(fields)),
    forLibrary: (library) => lines.child({ event: "library.message", library }),
  };
}

/** Opens standard output for log lines. If its reader stalls, it drops lines and never blocks the process. */
export function openLogOutput(format?: LineFormat, clock: Clock = systemClock): BoundedOutput {
  return openOutput(STDOUT_FD, (dropped) => {
    const event = "log.lines_dropped";
    const { level, message: msg } = LOG_EVENTS[event];
    const time = new Date(clock.now()).toISOString();
    const line = JSON.stringify({ level, time, event, dropped, msg });
    return `${format?.(line) ?? line}\n`;
  });
}

/** Characters that move a terminal's cursor or reverse its text. JSON escapes only some of them. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Escapes the characters that a terminal would obey. The JSON keeps its meaning. */
function escapedJson(line: string): string {
  return line.replace(UNSEEN, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
