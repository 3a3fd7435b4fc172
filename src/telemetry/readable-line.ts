import { prettyFactory } from "pino-pretty";
import { CONTROL_CHARACTERS } from "./logger.ts";

const prettify = prettyFactory({
  colorize: false,
  singleLine: true,
  ignore: "time",
  // Errors stay in the line, since their stacks would break it.
  errorLikeObjectKeys: [],
  // pino-pretty prints this field in front of the message, and takes it for a position in the code.
  customPrettifiers: { caller: (caller) => `caller ${String(caller)}` },
});

/**
 * Formats a JSON line for people. pino-pretty leaves control and bidirectional characters, so they are escaped here. Only
 * a process at a terminal loads this file and pino-pretty.
 */
export function readableLine(line: string): string {
  if (!line.startsWith("{")) return line;
  return prettify(line)
    .trimEnd()
    .replace(CONTROL_CHARACTERS, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
