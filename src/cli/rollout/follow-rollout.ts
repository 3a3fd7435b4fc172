import {
  describeCamError,
  type MfaRollout,
  type MfaRolloutInput,
  type MfaRolloutItem,
  type MfaRolloutItemState,
  type MfaRolloutWithItems,
} from "../../client/index.ts";
import { systemClock } from "../../clock.ts";
import { durationOf, ITEM_WORDS, optionsOf } from "../../rollout-words.ts";
import { callGateway } from "../call-gateway.ts";
import { CommandError, type CommandIo, printable } from "../command.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import { progressBarOn } from "../terminal.ts";

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

/** The states of left-out and failed users, and of users at risk of a lock-out. */
const STATES: readonly MfaRolloutItemState[] = [
  "BLOCKED",
  "AT_RISK",
  "EXCUSED",
  "CHANGED_SINCE",
  "FAILED",
  "UNKNOWN",
];

/** A text names this many users. JSON has all. */
const NAMED = 20;
/** The largest page that the gateway gives. */
const PAGE = 100;

interface LeftOutUsers {
  readonly users: readonly MfaRolloutItem[];
  readonly total: number;
}

/** Reads the left-out, failed and risky users of a rollout, in the order of the plan. @param all Not only the first. */
export async function readLeftOut(
  id: string,
  connection: GatewayConnection,
  all: boolean,
): Promise<LeftOutUsers> {
  const users: MfaRolloutItem[] = [];
  for (let after: string | null = null; ; ) {
    const page: MfaRolloutInput = { id, filter: { states: STATES }, first: all ? PAGE : NAMED, after };
    const rollout: MfaRolloutWithItems | null = await callGateway(connection, (client, call) =>
      client.mfaRollout(page, call),
    );
    if (rollout === null) return { users, total: users.length };
    const { edges, pageInfo, totalCount: total } = rollout.items;
    users.push(...edges.map(({ node }) => node));
    if (!all || !pageInfo.hasNextPage) return { users, total };
    after = pageInfo.endCursor;
  }
}

/** Names users in lines, each with the code and the words why. */
export function describeLeftOut({ users, total }: LeftOutUsers): readonly string[] {
  if (total === 0) return [];
  return [
    "  left out, or at risk of a lock-out:",
    ...users.map(({ opUin, name, account, state, code, why }) => {
      const user = name === null ? opUin : `${opUin} ${JSON.stringify(name)}`;
      const who = account === null ? user : `${user} of ${account}`;
      const reason = [code, why].filter((part) => part !== null).join(" ");
      return printable(`    ${who}: ${state.toLowerCase().replaceAll("_", " ")} ${reason}`.trimEnd());
    }),
    ...(total > users.length ? [`    and ${total - users.length} more. --json prints all of them.`] : []),
  ];
}
