import type { Command } from "commander";
import { CommandError, type CommandIo } from "../command.ts";
import { printsResult } from "../command-result.ts";
import { parseUrl, withConnection } from "../gateway-connection.ts";
import { ROUTER_GUIDES, type RouterId } from "./router-guides.ts";
import type { DoctorOptions } from "./run-doctor.ts";

/** Adds `doctor`, which tries every part and names each fault with its fix. Prints no value of a header. */
export function addDoctor(program: Command, io: CommandIo): void {
  const command = program
    .command("doctor")
    .description(
      "Check everything that the gateway needs, and report each fault with its fix. Changes nothing. " +
        "Without --url and --router, checks what the configuration names: files, database, issuers and CAM. " +
        "No gateway has to run.",
    )
    .option("--local", "check the configuration of local mode")
    .option("--url <url>", "check this running gateway instead, by its GraphQL address", (text) =>
      parseUrl(text, "--url"),
    )
    .option("--router <url>", "check this router instead, by its GraphQL address", (text) =>
      parseUrl(text, "--router"),
    )
    .option("--for <router>", `the router, if doctor cannot guess it: ${ROUTER_IDS}`, parseRouter);
  printsResult(withConnection(command), io, async (options: DoctorOptions) =>
    (await import("./run-doctor.ts")).runDoctor(options, io),
  );
}

const ROUTER_IDS = ROUTER_GUIDES.map(({ id }) => id).join(", ");

function parseRouter(text: string): RouterId {
  const id = ROUTER_GUIDES.find((guide) => guide.id === text)?.id;
  if (id === undefined) throw new CommandError(`--for takes one of ${ROUTER_IDS}.`);
  return id;
}
