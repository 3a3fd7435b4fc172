import { openOutput } from "../telemetry/bounded-output.ts";
import { LOG_EVENTS } from "../telemetry/log-events.ts";

const STDERR_FD = 2;

/** sysexits.h: a mistake in the program itself. Starting it again is right. */
export const EX_SOFTWARE = 70;

/** An error's name or code that stands in one of its fields: nothing else is short and plain enough to be shown. */
const PLAIN = /^[\w.-]{1,64}$/;

/** Where code is, and no more: a frame of evaluated code would quote it. */
const FRAME = /^ {4}at ([\w$.<>#[\] ]+ \()?(file:\/\/|node:)[^\s()]+:\d+:\d+\)?$/;

const MOST_CAUSES = 5;

/**
 * What nothing has caught ends the process, as it would without this, but with one line that is safe to keep: an
 * error's message and fields may quote anything, a key or a password of the database too. Changes that were under way
 * are on record, and settled by whoever runs next. Nor do Node's own reports list the environment from now on.
 */
export function endOnCrash(): void {
  if (process.report) process.report.excludeEnv = true;
  process.on("uncaughtException", (error: unknown, origin) => {
    // Within a bound: nobody may be reading.
    const stderr = openOutput(STDERR_FD, () => "");
    stderr.write(`${describeCrash(error, origin)}\n`);
    stderr.drain();
    process.exit(EX_SOFTWARE);
  });
}

/** One JSON text: what kinds of errors it were, the last cause last, and where the first was made. */
export function describeCrash(error: unknown, origin: string): string {
  const stack =
    error instanceof Error
      ? String(error.stack)
          .split("\n")
          .filter((line) => FRAME.test(line))
      : [];
  const event = "process.crashed";
  const { level, message: msg } = LOG_EVENTS[event];
  return JSON.stringify({
    level,
    event,
    msg,
    origin,
    errors: kindsOf(error),
    stack: stack.map((line) => line.trim()),
  });
}

function kindsOf(error: unknown): readonly object[] {
  const kinds: object[] = [];
  for (let one = error; one !== undefined && kinds.length < MOST_CAUSES; ) {
    if (!(one instanceof Error)) {
      kinds.push({ type: typeof one });
      break;
    }
    const { name, code, cause } = one as Error & { readonly code?: unknown };
    kinds.push({ type: plain(name) ?? "Error", code: plain(code) });
    one = cause;
  }
  return kinds;
}

function plain(text: unknown): string | undefined {
  return typeof text === "string" && PLAIN.test(text) ? text : undefined;
}
