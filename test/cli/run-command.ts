import { Writable } from "node:stream";
import { runCommandLine } from "../../src/cli/cli.ts";
import type { CommandIo } from "../../src/cli/command.ts";
import { keepSecretsOf, keepWritten } from "../support/leaks/written.ts";

export interface CommandResult {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command, such as "audit verify", in this process, as src/main.ts does in its own. `ask` is its terminal. */
export async function runCommand(
  name: string,
  args: readonly string[],
  env: CommandIo["env"] = {},
  ask?: CommandIo["ask"],
): Promise<CommandResult> {
  keepSecretsOf(env);
  const written = { stdout: "", stderr: "" };
  const sink = (name: keyof typeof written) =>
    new Writable({
      decodeStrings: false,
      write: (chunk, _, done) => {
        written[name] += String(chunk);
        keepWritten("commands", String(chunk));
        done();
      },
    });
  const io = { env, stdout: sink("stdout"), stderr: sink("stderr"), ask };
  const code = await runCommandLine([...name.split(" ").filter(Boolean), ...args], io);
  return { code, ...written };
}
