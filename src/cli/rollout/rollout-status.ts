import type { Command } from "commander";
import { callGateway } from "../call-gateway.ts";
import type { CommandIo } from "../command.ts";
import { type CommandResult, printsResult } from "../command-result.ts";
import { type GatewayOptions, gatewayOf, withGateway } from "../gateway-connection.ts";
import {
  describeLeftOut,
  describeRollout,
  followRollout,
  readLeftOut,
  readRollout,
} from "./follow-rollout.ts";

interface StatusOptions extends GatewayOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

/** The rollouts that a list shows. */
const LISTED = 20;

/** Adds `rollout status`. */
export function addRolloutStatus(rollout: Command, io: CommandIo): void {
  const command = withGateway(
    rollout
      .command("status")
      .description("Show a rollout, or without an id the latest 20.")
      .argument("[id]", "the rollout")
      .option("--watch", "wait for the end of the run; the rollout continues without the command"),
  );
  printsResult(command, io, (id: string | undefined, options: StatusOptions) =>
    id === undefined ? listRollouts(options, io) : showRollout(id, options, io),
  );
}

async function listRollouts(options: StatusOptions, io: CommandIo): Promise<CommandResult> {
  const { edges } = await callGateway(gatewayOf(options, io.env), (client, call) =>
    client.mfaRollouts({ first: LISTED }, call),
  );
  const rollouts = edges.map(({ node }) => node);
  return {
    lines:
      rollouts.length === 0
        ? ["No rollout."]
        : rollouts.map(
            ({ id, status, progress, createdAt, name }) =>
              `${id}  ${status.padEnd(17)}  ${progress.done} of ${progress.total}  ${createdAt}  ${JSON.stringify(name)}`,
          ),
    result: { rollouts },
  };
}

async function showRollout(id: string, options: StatusOptions, io: CommandIo): Promise<CommandResult> {
  const connection = gatewayOf(options, io.env);
  const rollout =
    options.watch === true
      ? await followRollout(id, connection, io, ({ finishedAt }) => finishedAt !== null)
      : await readRollout(id, connection);
  // A rollout that ended otherwise than done stops a script.
  const hasFailed = options.watch === true && rollout.status !== "DONE";
  const leftOut = await readLeftOut(id, connection, options.json === true);
  return {
    exitCode: hasFailed ? 1 : 0,
    lines: [...describeRollout(rollout), ...describeLeftOut(leftOut)],
    result: { ...rollout, leftOut: leftOut.users },
  };
}
