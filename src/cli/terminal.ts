import { createInterface } from "node:readline/promises";
import { isatty } from "node:tty";
import { type CommandIo, EX_CANNOT } from "./command.ts";

const STDIN_FD = 0;
const STDERR_FD = 2;

/**
 * Returns the process's streams. A reader that closes the pipe, as `head` does, ends no command with an error. Any other
 * failed write does, such as one to a full disk: the reader has no whole result then.
 */
export function openTerminal(): Pick<CommandIo, "stdout" | "stderr" | "ask"> {
  const { stdout, stderr } = process;
  stderr.on("error", () => undefined);
  stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") return;
    stderr.write(`Standard output cannot be written (${code}).\n`);
    process.on("exit", () => {
      process.exitCode = EX_CANNOT;
    });
  });
  return { stdout, stderr, ask: isatty(STDIN_FD) && isatty(STDERR_FD) ? ask : undefined };
}

/** Asks on standard error, because standard output has the result. Resolves to an empty answer at Ctrl-C and Ctrl-D. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  try {
    return await Promise.race([terminal.question(question), closed]);
  } finally {
    terminal.close();
  }
}

/** A line on a terminal that shows how far a command is. */
export interface ProgressBar {
  /** @param more What follows the numbers, such as the time that is left. */
  show(done: number, total: number, more?: string): void;
  /** Removes the line, so that other output can follow. */
  clear(): void;
}

const WIDTH = 30;

/** Moves to the start of the line and clears it. */
const CLEAR = "\r\u001b[K";

/** Returns a progress bar that overwrites itself on a terminal, and that shows nothing elsewhere. */
export function progressBarOn(stderr: NodeJS.WritableStream): ProgressBar {
  if (!("isTTY" in stderr) || stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  return {
    show: (done, total, more = "") => {
      const filled = total === 0 ? 0 : Math.floor((WIDTH * done) / total);
      const bar = `[${"#".repeat(filled)}${"-".repeat(WIDTH - filled)}]`;
      stderr.write(`${CLEAR}${bar} ${done} of ${total} users${more}`);
    },
    clear: () => void stderr.write(CLEAR),
  };
}
