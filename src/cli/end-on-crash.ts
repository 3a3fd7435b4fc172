import { openOutput } from "../telemetry/bounded-output.ts";
import { LOG_EVENTS } from "../telemetry/log-events.ts";

const STDERR_FD = 2;

/** The exit code of sysexits.h for a fault in the program. A supervisor should restart it. */
export const EX_SOFTWARE = 70;

/** Matches an error's name or code. Other fields may hold secrets. */
const PLAIN = /^[\w.-]{1,64}$/;

/** Matches a stack frame that holds only a position. A frame of evaluated code would quote the code. */
const FRAME = /^ {4}at ([\w$.<>#[\] ]+ \()?(file:\/\/|node:)[^\s()]+:\d+:\d+\)?$/;

const MOST_CAUSES = 5;

/**
 * Ends the process on an uncaught error, as Node does, but with one log line that is safe to keep. An error's message
 * and fields may hold a key or a password, so the line has only names, codes and positions. Changes under way are on
 * record, and the next process settles them. Also removes the environment from Node's diagnostic reports.
 */
export function endOnCrash(): void {
  if (process.report) process.report.excludeEnv = true;
  process.on("uncaughtException", (error: unknown, origin) => {
    // Use a bounded output, because the reader may have stalled.
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
