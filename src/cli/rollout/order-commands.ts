import type { Command } from "commander";
import type { CallOptions, CamGatewayClient, MfaRollout } from "../../client/index.ts";
import { callGateway } from "../call-gateway.ts";
import { askFirst, CommandError, type CommandIo } from "../command.ts";
import { type CommandResult, printsResult } from "../command-result.ts";
import { type GatewayOptions, gatewayOf, withGateway } from "../gateway-connection.ts";
import { describeLeftOut, describeRollout, readLeftOut, readRollout } from "./follow-rollout.ts";

interface OrderOptions extends GatewayOptions {
  readonly reason?: string;
}

interface PlanOrderOptions extends OrderOptions {
  readonly planHash?: string;
  readonly yes?: boolean;
}

/** Adds the commands that start, approve, reject, pause, resume, release and cancel. */
export function addRolloutOrders(rollout: Command, io: CommandIo): void {
  addPlanOrder(
    rollout.command("start").description("Start a plan, or ask for the approval that it needs."),
    io,
    (client, { id, planHash }, call) => client.startMfaRollout({ id, planHash }, call),
  );
  addPlanOrder(
    withReason(rollout.command("approve").description("Approve the plan of another person, and start it.")),
    io,
    (client, plan, call) => client.approveMfaRollout(plan, call),
  );
  const { reject, pause, resume, release, cancel } = {
    reject: withReason(
      rollout.command("reject").description("Reject a plan that awaits approval, or withdraw your own."),
    ),
    pause: withReason(
      rollout
        .command("pause")
        .description("Pause a rollout. No further change begins until `rollout resume`."),
    ),
    resume: rollout.command("resume").description("Continue a paused rollout."),
    release: rollout
      .command("release")
      .description("Begin the next wave of a rollout that waits for a person."),
    cancel: withReason(
      rollout
        .command("cancel")
        .description("Cancel a plan or a run. Changed users stay changed (see `rollout undo`)."),
    ),
  };
  addOrder(reject, io, (client, { id, reason }, call) => client.rejectMfaRollout({ id, reason }, call));
  addOrder(pause, io, (client, { id, reason }, call) => client.pauseMfaRollout({ id, reason }, call));
  addOrder(resume, io, (client, { id }, call) => client.resumeMfaRollout(id, call));
  addOrder(cancel, io, (client, { id, reason }, call) => client.cancelMfaRollout({ id, reason }, call));
  addOrder(release, io, async (client, { id }, call) => {
    const wave = (await client.mfaRollout({ id, first: 1 }, call))?.progress.wave ?? 0;
    return client.releaseMfaRolloutWave({ id, wave: wave + 1 }, call);
  });
}

function withReason(command: Command): Command {
  return command.option("--reason <text>", "the reason for the record");
}

/** Gives an order. The gateway ignores a repeated one, so each order is safe to repeat. */
type GiveOrder<Order> = (client: CamGatewayClient, order: Order, options: CallOptions) => Promise<MfaRollout>;

function addOrder(
  command: Command,
  io: CommandIo,
  give: GiveOrder<{ readonly id: string; readonly reason: string | undefined }>,
): void {
  printsResult(
    withGateway(command.argument("<id>", "the rollout")),
    io,
    async (id: string, options: OrderOptions) =>
      describe(
        await callGateway(gatewayOf(options, io.env), (client, call) =>
          give(client, { id, reason: options.reason }, call),
        ),
      ),
  );
}

/** Adds an order about a plan that the person has read: the one on the terminal, or the one of --plan-hash. */
function addPlanOrder(
  command: Command,
  io: CommandIo,
  give: GiveOrder<{ readonly id: string; readonly planHash: string; readonly reason: string | undefined }>,
): void {
  withGateway(command.argument("<id>", "the rollout"))
    .option("--plan-hash <hash>", "the hash of the plan that you have read")
    .option("--yes", "ask no question; needs --plan-hash")
    .addHelpText(
      "after",
      "\nWithout --yes the command shows the plan and asks. Without a terminal it refuses.",
    );
  printsResult(command, io, async (id: string, options: PlanOrderOptions) => {
    const { yes, planHash, reason } = options;
    const connection = gatewayOf(options, io.env);
    if (yes === true && planHash === undefined) {
      throw new CommandError("--yes needs --plan-hash: the hash says which plan you have read.");
    }
    const rollout = yes === true ? undefined : await readRollout(id, connection);
    if (rollout !== undefined) {
      await askFirst(io, {
        show: async () => [
          `At ${connection.url.href}:`,
          ...describeRollout(rollout),
          ...describeLeftOut(await readLeftOut(id, connection, false)),
        ],
        question: `Change ${rollout.progress.total} users by this plan? [y/N] `,
        nothing: "Nothing was started",
      });
    }
    const read = planHash ?? rollout?.planHash ?? "";
    const order = { id, planHash: read, reason };
    return describe(await callGateway(connection, (client, call) => give(client, order, call)));
  });
}

function describe(rollout: MfaRollout): CommandResult {
  return { lines: describeRollout(rollout), result: rollout };
}
