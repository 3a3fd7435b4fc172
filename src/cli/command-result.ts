import type { Command } from "commander";
import { EX_CONFIG } from "../config/config.ts";
import { type CommandIo, EX_CANNOT } from "./command.ts";

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

const INVALID = { [EX_CONFIG]: "the configuration or the command line is invalid" };

const ORDER = {
  0: "the gateway accepted the order",
  1: "the gateway refused",
  [EX_CANNOT]: "the gateway gave no answer",
};

/**
 * The exit codes of every command with their meanings. --help shows them, and docs/operators/exit-codes.md repeats
 * them. A bug in the program exits with 70 (end-on-crash.ts).
 */
export const EXIT_CODES = {
  serve: { 0: "stopped by a signal", 1: "could not start", ...INVALID },
  emulator: { 0: "stopped by a signal", 1: "could not start", ...INVALID },
  migrate: { 0: "the schema is up to date", [EX_CANNOT]: "a migration or a grant failed" },
  "check-config": { 0: "valid", ...INVALID },
  doctor: {
    0: "no check failed or warned",
    1: "a check failed or warned",
    [EX_CANNOT]: "doctor could not run",
  },
  "audit export": {
    0: "exported",
    [EX_CANNOT]: "the record cannot be read or the file cannot be written",
  },
  "audit verify": {
    0: "the record is as it was written",
    1: "the record is bad",
    [EX_CANNOT]: "the record cannot be read",
  },
  "audit prune": {
    0: "pruned, or nothing to prune",
    1: "refused, because the record or the export does not permit it",
    [EX_CANNOT]: "the record cannot be read or pruned",
  },
  "audit accept-restore": {
    0: "accepted, or nothing to accept",
    1: "refused, because a restore does not explain the record",
    [EX_CANNOT]: "the record cannot be read or signed",
  },
  "policy explain": {
    0: "all of it is allowed",
    1: "a part of it is refused",
    [EX_CONFIG]: "the answer needs more options or a valid policy",
  },
  "webhooks list": { 0: "listed", [EX_CANNOT]: "the database cannot be read" },
  "webhooks redrive": {
    0: "the events wait for delivery again",
    1: "no dead event fits",
    [EX_CANNOT]: "the database cannot be changed",
  },
  report: { 0: "listed", 1: "the gateway refused", [EX_CANNOT]: "the gateway gave no answer" },
  "mfa get": { 0: "read", 1: "the gateway refused", [EX_CANNOT]: "the gateway gave no answer" },
  "mfa set": {
    0: "the change has taken effect",
    1: "the gateway refused and nothing was changed",
    [EX_CANNOT]: "nothing was sent or the outcome is unknown",
  },
  "rollout plan": {
    0: "planned",
    1: "the gateway refused or could not plan",
    [EX_CANNOT]: "the gateway gave no answer",
  },
  "rollout start": ORDER,
  "rollout approve": ORDER,
  "rollout reject": ORDER,
  "rollout pause": ORDER,
  "rollout resume": ORDER,
  "rollout release": ORDER,
  "rollout cancel": ORDER,
  "rollout status": {
    0: "shown, and done if watched",
    1: "the gateway refused, or the watched rollout did not end as done",
    [EX_CANNOT]: "the gateway gave no answer",
  },
  "rollout prove": {
    0: "written",
    1: "the gateway refused",
    [EX_CANNOT]: "the gateway gave no answer or the file cannot be written",
  },
  "rollout undo": {
    0: "planned",
    1: "the gateway refused or could not plan",
    [EX_CANNOT]: "the gateway gave no answer",
  },
  "rollout verify": {
    0: "the bundle is as it was written",
    1: "the bundle is bad",
    [EX_CANNOT]: "the bundle cannot be read",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<number, string>>>>;

export type CommandName = keyof typeof EXIT_CODES;

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(EXIT_CODES, name);
}

/** Returns the lines of --help about the exit codes of a command. */
export function exitCodeHelp(command: CommandName): string {
  const meanings = Object.entries<string>(EXIT_CODES[command]);
  return ["\nExit codes:", ...meanings.map(([code, meaning]) => `  ${code.padEnd(2)}  ${meaning}`)].join(
    "\n",
  );
}
