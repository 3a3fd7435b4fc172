import { Writable } from "node:stream";
import type { Command, CommandIo } from "../../src/cli/command.ts";
import { COMMANDS, type CommandName } from "../../src/cli/commands.ts";
import { exitCodeOf, explainFailure } from "../../src/cli/explain-failure.ts";
import { keepSecretsOf, keepWritten } from "../support/leaks/written.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, as src/cli/main.ts does in its own. */
export async function runCommand(
  name: CommandName,
  args: readonly string[],
  env: CommandIo["env"] = {},
): Promise<CommandResult> {
  const command: Command = COMMANDS[name];
  keepSecretsOf(env);
  let stdout = "";
  const sink = new Writable({
    decodeStrings: false,
    write: (chunk, _, done) => {
      stdout += String(chunk);
      keepWritten("commands", String(chunk));
      done();
    },
  });
  const failed = (error: unknown) => {
    const stderr = `${explainFailure(error)}\n`;
    keepWritten("commands", stderr);
    return { code: exitCodeOf(error), stderr };
  };
  const ended = await command({ args, env, stdout: sink }).then((code) => ({ code, stderr: "" }), failed);
  return { ...ended, stdout };
}
