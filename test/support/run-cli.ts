import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The source of one of the command line tools, which Node runs as it is. */
export function cliSource(name: string): string {
  return fileURLToPath(new URL(`../../src/cli/${name}.ts`, import.meta.url));
}

/** Runs a command line tool with this environment and no other. */
export function runCli(
  name: "migrate" | "audit-export" | "audit-verify",
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cliSource(name), ...args], { env }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
