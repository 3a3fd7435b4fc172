import { openOutput } from "../telemetry/bounded-output.ts";
import { LOG_EVENTS } from "../telemetry/log-events.ts";

const STDERR_FD = 2;

/** sysexits.h: a fault in the program. A supervisor should start it again. */
export const EX_SOFTWARE = 70;

/** An error's name or code. Other fields may hold secrets. */
const PLAIN = /^[\w.-]{1,64}$/;

/** A stack frame with a position only: a frame of evaluated code would quote the code. */
const FRAME = /^ {4}at ([\w$.<>#[\] ]+ \()?(file:\/\/|node:)[^\s()]+:\d+:\d+\)?$/;

const MOST_CAUSES = 5;

/**
 * Ends the process on an uncaught error, as Node does, but with one line that is safe to keep: an error's message and fields
 * may quote a key or a password. Changes under way are on record, and the next process settles them. Node's diagnostic
 * reports leave out the environment from here on.
 */
export function endOnCrash(): void {
  if (process.report) process.report.excludeEnv = true;
  process.on("uncaughtException", (error: unknown, origin) => {
    // The output is bounded: a reader may have stalled.
    const stderr = openOutput(STDERR_FD, () => "");
    stderr.write(`${describeCrash(error, origin)}\n`);
    stderr.drain();
    process.exit(EX_SOFTWARE);
  });
}

/** Returns one JSON object: the kinds of the error and its causes, and the stack of the error. */
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
