import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The program, which starts in a third of the time that its sources take. */
export const PROGRAM = join(root, "dist/main.js");

/** Builds the program. Call it once before the tests of a file. */
export async function buildGateway(): Promise<void> {
  await promisify(execFile)(process.execPath, [join(root, "scripts/build-if-needed.mjs"), "server"]);
}

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GatewayProcess {
  /** Its GraphQL endpoint, as the banner gives it. */
  readonly url: string;
  /** Everything it wrote to stdout so far: its log. */
  stdout(): string;
  /** Everything it wrote to stderr so far: its banner, and later its end. */
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ended>;
}

/** Runs the gateway until it exits. */
export function runGateway(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  return launch(args, env).ended;
}

/** Starts the gateway and waits for its banner. Kills it after the test. */
export async function startGatewayProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<GatewayProcess> {
  const { child, output, ended } = launch(args, env);
  const url = await Promise.race([urlOf(child, output), ended.then(failToStart)]);
  const read = { stdout: () => output.stdout, stderr: () => output.stderr };
  return { url, ...read, signal: (name) => void child.kill(name), ended };
}

function launch(args: readonly string[], env: Readonly<Record<string, string>>) {
  // A folder of its own, for the data that it keeps where it was started.
  const cwd = mkdtempSync(join(tmpdir(), "gateway-process-"));
  // Nothing is inherited: a variable of this machine must not decide a test.
  const child = spawn(process.execPath, [PROGRAM, "serve", ...args], {
    cwd,
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(cwd, { recursive: true, force: true });
  });
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const ended = once(child, "close").then(([exitCode]) => ({
    exitCode: exitCode as number | null,
    ...output,
  }));
  return { child, output, ended };
}

async function urlOf(child: ChildProcess, output: { readonly stderr: string }): Promise<string> {
  for (;;) {
    const url = /^ {2}GraphQL +(\S+)/m.exec(output.stderr)?.[1];
    if (url !== undefined && output.stderr.endsWith("\n")) return url;
    if (child.stderr === null) throw new Error("The gateway's output is not read.");
    await once(child.stderr, "data");
  }
}

function failToStart({ exitCode, stdout, stderr }: Ended): never {
  throw new Error(`The gateway ended with ${exitCode} instead of starting.\n${stdout}${stderr}`);
}
