import type { MfaRollout } from "../../client/index.ts";
import { systemClock } from "../../clock.ts";
import { durationOf } from "../../rollout-words.ts";
import { callGateway } from "../call-gateway.ts";
import { CommandError, type CommandIo } from "../command.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import { progressBarOn } from "../progress-bar.ts";

const POLL_MS = 500;

/** Reads a rollout. @throws CommandError if the gateway has none of this id. */
export async function readRollout(id: string, connection: GatewayConnection): Promise<MfaRollout> {
  const rollout = await callGateway(connection, (client, options) =>
    client.mfaRollout({ id, first: 1 }, options),
  );
  if (rollout !== null) return rollout;
  throw new CommandError(
    `ROLLOUT_NOT_FOUND: The gateway has no rollout ${id}, or you may not use all of its accounts.`,
    1,
    { code: "ROLLOUT_NOT_FOUND" },
  );
}

/** Reads a rollout until it is as wanted. Shows its progress on a terminal. The rollout continues without the command. */
export async function followRollout(
  id: string,
  connection: GatewayConnection,
  io: CommandIo,
  isEnough: (rollout: MfaRollout) => boolean,
): Promise<MfaRollout> {
  const bar = progressBarOn(io.stderr);
  try {
    for (;;) {
      const rollout = await readRollout(id, connection);
      if (isEnough(rollout)) return rollout;
      const { done, total, secondsLeft } = rollout.progress;
      const left = rollout.status === "RUNNING" ? `, about ${durationOf(secondsLeft)} left` : "";
      bar.show(done, total, `${left} (${rollout.status.toLowerCase()})`);
      await systemClock.sleep(POLL_MS);
    }
  } finally {
    bar.clear();
  }
}
