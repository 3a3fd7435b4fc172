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
