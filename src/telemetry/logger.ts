/**
 * Owns the log: its lines, their events and the redaction of secrets. It does not decide when to report: the other
 * parts call `report`. Read log-events.ts next, the table of events.
 */

import { type LogFn, type Logger as PinoLogger, pino } from "pino";
import { type Clock, systemClock } from "../clock.ts";
import { type BoundedOutput, openOutput } from "./bounded-output.ts";
import { LOG_EVENTS, type Report } from "./log-events.ts";
import { currentOperation } from "./operation.ts";

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
  /** Changes the lowest level of this logger's lines and of all its children's. */
  setLevel(level: RunTimeLevel): void;
  /** Returns a logger that adds the fields to every line. */
  child(fields: object): Logger;
  /** Returns a logger for a library that writes messages of its own. Their event is `library.message`. */
  forLibrary(library: string): PinoLogger;
}

const STDOUT_FD = 1;

/** The levels that an operator can set at run time. Higher ones would hide faults and attacks. */
export const RUN_TIME_LEVELS = ["error", "warn", "info", "debug"] as const;
type RunTimeLevel = (typeof RUN_TIME_LEVELS)[number];

/**
 * Creates a logger of JSON lines. Secrets are kept out by their type: Secret prints as `[redacted]`. The redaction here
 * is a second safeguard, for headers and for objects of libraries.
 */
export function createLogger({ level, destination, format }: LoggerOptions): Logger {
  const output = destination ?? openLogOutput(format);
  const formatLine = format ?? escapedJson;
  // Children of a pino logger keep their own level, so one threshold decides for all.
  const threshold = { value: levelValue(level) };
  const config = {
    level: "trace",
    mixin: traceFields,
    hooks: {
      logMethod(this: PinoLogger, args: Parameters<LogFn>, method: LogFn, value: number) {
        if (value >= threshold.value) method.apply(this, args);
      },
    },
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: redact },
    // `redact` has serialised errors already.
    serializers: { err: (error: unknown) => error },
  };
  return wrap(pino(config, { write: (line) => output.write(`${formatLine(line.trimEnd())}\n`) }), threshold);
}

function wrap(lines: PinoLogger, threshold: { value: number }): Logger {
  const report: Report = (event, fields) => {
    const { level, message } = LOG_EVENTS[event];
    if (levelValue(level) < threshold.value) return;
    lines[level]({ event, ...fields }, message);
  };
  return {
    report,
    setLevel: (level) => {
      const [before, after] = [threshold.value, levelValue(level)];
      // The lower of the two levels shows the line that says so.
      threshold.value = Math.min(before, after);
      report("log.level_changed", { to: level });
      threshold.value = after;
    },
    child: (fields) => wrap(lines.child(fields), threshold),
    forLibrary: (library) => lines.child({ event: "library.message", library }),
  };
}

function levelValue(level: string): number {
  return pino.levels.values[level] ?? Number.POSITIVE_INFINITY;
}

/** Returns the ids of the current trace, so that a log line and its trace find each other. */
function traceFields(): object {
  const context = currentOperation.getStore()?.span?.spanContext();
  return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
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
export const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Escapes the characters that a terminal would obey. The JSON keeps its meaning. */
function escapedJson(line: string): string {
  return line.replace(CONTROL_CHARACTERS, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Names of fields that may hold a secret or token, at the top of a logged object or up to three levels below. */
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
 * Returns the fields with secrets redacted and errors serialised. It does not change the object itself. pino's `redact`
 * would look up 32 paths for every line, which costs more than the rest of the line.
 */
export function redact(fields: Fields, levels = LEVELS): Fields {
  let redacted: Record<string, unknown> | undefined;
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    const shown = SECRET_NAMES.has(name) ? "[redacted]" : redactWithin(value, levels - 1);
    if (shown === value) continue;
    redacted ??= { ...fields };
    redacted[name] = shown;
  }
  return redacted ?? fields;
}

function redactWithin(value: unknown, levels: number): unknown {
  if (value instanceof Error) return serializeError(value);
  const hasFields = typeof value === "object" && value !== null;
  return hasFields && levels > 0 ? redact(value as Fields, levels) : value;
}

/**
 * Returns an error's type, message, code and stack, with those of its causes. It drops all other properties, because
 * libraries attach unread input and whole connections to errors.
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
