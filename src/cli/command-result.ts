import type { Command } from "commander";
import type { CommandIo } from "./command.ts";
import { exitCodeHelp, isCommandName } from "./exit-codes.ts";

/** The result of a command. */
export interface CommandResult {
  /** Default: 0. */
  readonly exitCode?: number;
  /** The result for people. */
  readonly lines: readonly string[];
  /** The same result for programs. */
  readonly result: object;
}

/** Completes a command that prints a result: --json, the exit codes in --help, and the action. */
export function printsResult<Arguments extends readonly unknown[]>(
  command: Command,
  io: CommandIo,
  run: (...given: Arguments) => Promise<CommandResult>,
): Command {
  const name = commandName(command);
  return withExitCodes(command)
    .option("--json", "print the result, or the error, as one line of JSON")
    .action(async (...given) => {
      const { exitCode = 0, lines, result } = await run(...(given as unknown as Arguments));
      io.exitCode = exitCode;
      io.stdout.write(
        command.opts()["json"] === true
          ? jsonLine(name, exitCode, { result })
          : lines.map((line) => `${line}\n`).join(""),
      );
    });
}

/** Adds the exit codes of a command to its --help. */
export function withExitCodes(command: Command): Command {
  const name = commandName(command);
  if (!isCommandName(name)) throw new TypeError(`${name} has no exit codes.`);
  return command.addHelpText("after", exitCodeHelp(name));
}

/** Returns the words of a command, such as "audit verify". */
function commandName(command: Command): string {
  const words: string[] = [];
  for (let one: Command | null = command; one?.parent; one = one.parent) words.unshift(one.name());
  return words.join(" ");
}

/**
 * Returns the one shape of JSON that every command prints: `{"command", "exitCode", "result"}`, or `"error"` with a
 * message and its facts instead of the result.
 */
export function jsonLine(
  command: string | null,
  exitCode: number,
  content: { readonly result: object } | { readonly error: { readonly message: string } },
): string {
  return `${JSON.stringify({ command, exitCode, ...content })}\n`;
}
