import { open, rm } from "node:fs/promises";
import { type CommanderError, InvalidArgumentError } from "commander";
import { z } from "zod";

/** The parts of the process that a command uses. */
export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks the person at the terminal. Undefined without a terminal. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** 0 unless the command sets another code. Undefined keeps the process running. */
  exitCode: number | undefined;
}

/** The exit code of a command that could not finish. 1 is for a command that finished with a bad result. */
export const EX_CANNOT = 2;

/** A failure with a message for the person at the terminal, and with facts for programs (--json). */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;
  readonly facts: object;

  constructor(message: string, exitCode = EX_CANNOT, facts: object = {}) {
    super(message);
    this.exitCode = exitCode;
    this.facts = facts;
  }
}

/** Returns a handler that reports commander's usage errors with this exit code. */
export function usageErrorsAs(exitCode: number): (error: CommanderError) => never {
  return (error) => {
    if (error.exitCode === 0 || error.code === "commander.help") throw error;
    throw new CommandError(usageMessage(error.message), exitCode);
  };
}

/** Turns commander's message into a sentence. Removes the value of an unknown option: it may be a misplaced token. */
function usageMessage(message: string): string {
  const [first = "", suggestion] = message
    .replace(/^error: (unknown option '(?:--[^'=\s]+|-.))[\s\S]*?'/, "error: $1'")
    .replace(/^error: (.)/, (_, letter: string) => letter.toUpperCase())
    .split("\n");
  return `${[first.replace(/\.$/, ""), suggestion].filter(Boolean).join(" ")}. Try --help.`;
}

/** Collects the values of a repeatable option. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

const timeShape = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** Parses a date, which begins at midnight in UTC, or a time. */
export function parseTime(text: string): Date {
  if (timeShape.safeParse(text).success) return new Date(text);
  throw new InvalidArgumentError("Give a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z.");
}

/** Returns whether the reader of standard output took everything. A reader that closes the pipe, as `head` does, causes no error. */
export async function isReadToEnd(writing: Promise<void>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
    return false;
  }
}

/**
 * Writes a new file that only its owner can read. Removes it if the content cannot be written whole.
 * @throws CommandError if the file exists or cannot be written.
 */
export async function writeNewFile(
  file: string,
  write: (to: NodeJS.WritableStream) => Promise<void>,
): Promise<void> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === "EEXIST" ? "exists, and is not overwritten" : `cannot be written (${error.code})`;
    throw new CommandError(`${file} ${reason}.`);
  });
  try {
    await write(handle.createWriteStream());
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

interface Question {
  /** Returns the lines to show before the question. */
  readonly show: () => Promise<readonly string[]>;
  readonly question: string;
  /** The message if the answer is not yes, without its full stop. */
  readonly nothing: string;
}

/** Shows what the command would do and asks. @throws CommandError if the answer is not yes, or if no terminal can answer. */
export async function askFirst(
  { ask, stderr }: CommandIo,
  { show, question, nothing }: Question,
): Promise<void> {
  if (ask === undefined) {
    throw new CommandError(`${nothing}: without a terminal to ask, the command needs --yes.`);
  }
  stderr.write(`${(await show()).join("\n")}\n`);
  const answer = await ask(question);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError(`${nothing}.`);
}

/** Replaces the control characters of a text, which would move the terminal's cursor. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "�");
}
