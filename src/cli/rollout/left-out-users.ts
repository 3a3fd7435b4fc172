import type {
  MfaRolloutInput,
  MfaRolloutItem,
  MfaRolloutItemState,
  MfaRolloutWithItems,
} from "../../client/index.ts";
import { callGateway } from "../call-gateway.ts";
import { printable } from "../command.ts";
import type { GatewayConnection } from "../gateway-connection.ts";

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
