import type { Config } from "../config/config.ts";
import { createGateway } from "../gateway/create-gateway.ts";
import { openOutput } from "../telemetry/bounded-output.ts";
import { createLogger, openLogOutput } from "../telemetry/logger.ts";
import { asConfigError, readConfig, type ServeOptions } from "./check-files.ts";
import { CommandError, type CommandIo } from "./command.ts";
import { startUpBanner } from "./start-up-banner.ts";

const STDERR_FD = 2;

/** Runs the gateway until a signal stops it. Standard output has the log alone, so that programs can read it. */
export async function serve(options: ServeOptions, io: CommandIo): Promise<void> {
  const config = await readConfig(options, io);
  // A person at a terminal gets readable logs in local mode. In server mode a log collector may provide a terminal.
  const readable = config.mode === "local" && (io.stdout as Partial<NodeJS.WriteStream>).isTTY === true;
  const format = readable ? (await import("../telemetry/readable-line.ts")).readableLine : undefined;
  const output = openLogOutput(format);
  const logger = createLogger({ level: config.logLevel, destination: output, format });
  const gateway = createGateway(config, { logger });
  await gateway.start().catch((error: unknown) => {
    throw asConfigError(error) ?? new CommandError(whyNotStarted(error, config), 1);
  });
  io.stderr.write(`${startUpBanner(config, gateway.address)}\n`);
  io.exitCode = undefined;
  // Write to a bounded output from here on: process.stderr waits while its reader stalls.
  const notes = openOutput(STDERR_FD, () => "");
  const write = (text: string): void => notes.write(`${text}\n`);
  let isStopping = false;
  const stop = (signal: string): void => {
    if (!isStopping) write(`${signal}: finishing the work under way, then stopping.`);
    isStopping = true;
    gateway.stop().then(
      () => {
        write("Stopped.");
        process.exit(0);
      },
      (error: unknown) => {
        write(`The gateway did not stop cleanly: ${(error as Error).message}`);
        process.exit(1);
      },
    );
  };
  // Not `once`: the terminal sends a signal to npm and to this process, and npm forwards it too. The second signal must
  // not end the process while a change is under way.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
}

function whyNotStarted(error: unknown, { admin }: Config): string {
  const { code, message, address, port } = error as NodeJS.ErrnoException & {
    readonly address?: string;
    readonly port?: number;
  };
  const how = port === admin?.port ? "ADMIN_PORT" : "--port or PORT";
  if (code === "EADDRINUSE")
    return `${address}:${port} is already in use. Stop what listens there, or give another port (${how}).`;
  if (code === "EACCES")
    return `Not allowed to listen on ${address}:${port}. Give a port of 1024 or above (${how}).`;
  if (code === "EADDRNOTAVAIL")
    return `This machine has no address ${address}. Set ${port === admin?.port ? "ADMIN_HOST" : "HOST"}.`;
  return `The gateway could not start: ${message}`;
}
