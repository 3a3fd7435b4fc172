import { describeCamError, type MfaRollout } from "../../client/index.ts";
import { systemClock } from "../../clock.ts";
import { durationOf, ITEM_WORDS, optionsOf } from "../../rollout-words.ts";
import { callGateway } from "../call-gateway.ts";
import { CommandError, type CommandIo, printable } from "../command.ts";
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

/** Describes a rollout in lines: its status, its users, why some are not changed, and its price. */
export function describeRollout(rollout: MfaRollout): readonly string[] {
  const { id, name, status, code, hint, counts, reasons, progress, proof } = rollout;
  return [
    `rollout ${id} ${JSON.stringify(name)}: ${status}`,
    ...(hint === null ? [] : [`  ${printable(hint)}`]),
    ...(code === null ? [] : [`  ${explain(code)}`]),
    ...describePlan(rollout),
    ...optionsOf(rollout).map((option) => printable(`  ${option}`)),
    ...ITEM_WORDS.filter(([, , field]) => counts[field] > 0).map(
      ([, title, field]) => `  ${String(counts[field]).padStart(7)} ${title}`,
    ),
    ...reasons.map(
      ({ state, code: why, users }) =>
        `  ${users} ${state.toLowerCase().replaceAll("_", " ")}: ${explain(why)}`,
    ),
    ...(rollout.startedAt === null ? [] : [`  ${progress.done} of ${progress.total} settled`]),
    ...(progress.awaitsRelease
      ? [`  Wave ${(progress.wave ?? 0) + 1} waits for: cam-gateway rollout release ${id}`]
      : []),
    ...(proof?.sealed === true ? [`  read again at ${proof.readBackAt}: ${proof.differences} differ`] : []),
  ];
}

function describePlan({ planHash, price, expiresAt, startedAt, approval }: MfaRollout): readonly string[] {
  if (planHash === null) return [];
  return [
    `  plan ${planHash}`,
    ...(startedAt === null && expiresAt !== null ? [`  to start before ${expiresAt}`] : []),
    ...(approval === null || approval.decision !== null
      ? []
      : [`  awaits approval until ${approval.expiresAt}`]),
    ...(price === null
      ? []
      : [
          `  ${price.camCalls} calls to CAM, about ${durationOf(price.seconds)}; stops when more than ` +
            `${price.failuresAllowed} users fail`,
          ...describeLosses(price.usersLosingProtection),
        ]),
  ];
}

function describeLosses(users: number | null): readonly string[] {
  return (users ?? 0) === 0 ? [] : [`  WARNING: ${users} users lose login or operation protection`];
}

function explain(code: Parameters<typeof describeCamError>[0]): string {
  const { message, remedy } = describeCamError(code);
  return `${code}: ${message} ${remedy}`;
}
