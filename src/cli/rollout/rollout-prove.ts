import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { callGateway } from "../call-gateway.ts";
import type { CommandIo } from "../command.ts";
import { type CommandResult, printsResult } from "../command-result.ts";
import {
  type GatewayConnection,
  type GatewayOptions,
  gatewayOf,
  withGateway,
} from "../gateway-connection.ts";
import { progressBarOn } from "../progress-bar.ts";
import { writeNewFile } from "../write-new-file.ts";
import { followRollout } from "./follow-rollout.ts";

interface ProveOptions extends GatewayOptions {
  readonly out?: string;
}

/** The lines that one request reads. */
const PAGE_LINES = 500;

/** Adds `rollout prove`. */
export function addRolloutProve(rollout: Command, io: CommandIo): void {
  const command = withGateway(
    rollout
      .command("prove")
      .description(
        "Write the bundle that proves a rollout. Waits until every user is read again after the run.",
      )
      .argument("<id>", "the rollout")
      .option("--out <file>", "write to this new file (default: rollout-ID.jsonl)"),
  );
  printsResult(command, io, (id: string, options: ProveOptions) => prove(id, options, io));
}

async function prove(id: string, options: ProveOptions, io: CommandIo): Promise<CommandResult> {
  const connection = gatewayOf(options, io.env);
  const { out: file = `rollout-${id}.jsonl` } = options;
  const { proof } = await followRollout(
    id,
    connection,
    io,
    (rollout) => rollout.proof?.sealed === true || hasNoProof(rollout),
  );
  await writeNewFile(file, (to) => pipeline(readBundle(id, connection, io), to));
  const differences = proof?.differences ?? 0;
  return {
    lines: [
      `Written to ${file}. Verify it with: cam-gateway rollout verify ${file}`,
      differences === 0
        ? "Every user was read again, and is as the rollout left them."
        : `${differences} users were read otherwise than the rollout left them.`,
    ],
    result: { file, differences },
  };
}

/** Whether no proof will come: the rollout ended without a run. */
function hasNoProof({ finishedAt, startedAt, status }: Awaited<ReturnType<typeof followRollout>>): boolean {
  return startedAt === null && (finishedAt !== null || status === "EXPIRED" || status === "PLAN_FAILED");
}

async function* readBundle(id: string, connection: GatewayConnection, io: CommandIo): AsyncGenerator<string> {
  const bar = progressBarOn(io.stderr);
  let after = 0;
  for (let total = 1; after < total; ) {
    const page = await callGateway(connection, (client, call) =>
      client.mfaRolloutBundle({ id, first: PAGE_LINES, after }, call),
    );
    for (const line of page.lines) yield `${line}\n`;
    after += page.lines.length;
    total = page.total;
    bar.show(after, total);
  }
  bar.clear();
}
