import type { CommanderError } from "commander";

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
