import type { Command } from "commander";
import { EX_CONFIG } from "../config/config.ts";
import { type CommandIo, usageErrorsAs } from "./command.ts";
import { withExitCodes } from "./command-result.ts";

interface EmulatorOptions {
  readonly port?: string;
  readonly controlPort?: string;
  readonly users?: string;
}

/**
 * Adds `emulator`. The process of this command is the emulator: it imports the emulator's code when it runs, and no
 * other command does.
 */
export function addEmulator(program: Command, io: CommandIo): void {
  const command = program
    .command("emulator")
    .description("Start an emulated CAM on this machine, for development and tests.")
    .option("--port <port>", "the port of the API (CAM_EMULATOR_PORT)")
    .option("--control-port <port>", "the port that changes users and faults (CAM_EMULATOR_CONTROL_PORT)")
    .option("--users <number>", "the size of the account: generated users fill it up (CAM_EMULATOR_USERS)")
    .addHelpText("after", "\nsrc/emulator/README.md describes the users, the faults and every variable.")
    .exitOverride(usageErrorsAs(EX_CONFIG))
    .action(async ({ port, controlPort, users }: EmulatorOptions) => {
      const { runEmulator } = await import("../emulator/run-emulator.ts");
      const given = {
        CAM_EMULATOR_PORT: port,
        CAM_EMULATOR_CONTROL_PORT: controlPort,
        CAM_EMULATOR_USERS: users,
      };
      const set = Object.entries(given).filter(([, value]) => value !== undefined);
      io.exitCode = await runEmulator({ ...io.env, ...Object.fromEntries(set) }, (line) =>
        io.stderr.write(`${line}\n`),
      );
    });
  withExitCodes(command);
}
