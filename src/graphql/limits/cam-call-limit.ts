import type { GraphQLError, GraphQLSchema } from "graphql";
import type { ComplexityEstimator } from "graphql-query-complexity";
import { MAX_SUB_ACCOUNTS_PER_CALL } from "../../cam/index.ts";
import { limitRefusal } from "./limit-refusal.ts";
import { measureOperation, type Operation } from "./measure-operation.ts";

export interface CamCallLimit {
  /** Calls of one action that CAM takes in a second. */
  readonly callsPerSecond: number;
  /** Time that an operation has. */
  readonly deadlineMs: number;
}

/** The actions of CAM that fields call, each of which has a limit of its own. */
const ACTIONS = ["SetMfaFlag", "DescribeSafeAuthFlagColl", "DescribeSubAccounts"] as const;

type Action = (typeof ACTIONS)[number];

/** What a field calls itself, once; a test holds it against the `@cost` of the schema. */
export const CALLS_OF_FIELDS: Readonly<Record<string, Partial<Readonly<Record<Action, number>>>>> = {
  "Query.subUser": { DescribeSubAccounts: 1 },
  "SubUser.mfa": { DescribeSafeAuthFlagColl: 1 },
  "Mutation.setSubUserMfa": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.trySetSubUserMfa": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
};

/** Lists of users, of whom so many share one call for their profiles, by the argument that names them. */
const LISTS_OF_USERS: Readonly<Record<string, string>> = {
  "Query.subUsers": "opUins",
  "Query._entities": "representations",
};

/**
 * Refuses an operation that cannot meet the deadline, because CAM takes no more calls in that time: a half-done
 * operation helps nobody. Undefined for one that can.
 */
export function exceedsCamCalls(
  schema: GraphQLSchema,
  operation: Operation,
  { callsPerSecond, deadlineMs }: CamCallLimit,
): GraphQLError | undefined {
  const most = Math.max(1, Math.floor((callsPerSecond * deadlineMs) / 1000));
  for (const action of ACTIONS) {
    const calls = measureOperation(schema, operation, estimatorOf(action));
    if (calls > most) return refusal(action, calls, { callsPerSecond, deadlineMs }, most);
  }
  return undefined;
}

function estimatorOf(action: Action): ComplexityEstimator {
  return ({ type, field, args, childComplexity }) => {
    const name = `${type.name}.${field.name}`;
    const list = LISTS_OF_USERS[name];
    if (list === undefined) return (CALLS_OF_FIELDS[name]?.[action] ?? 0) + childComplexity;
    const users = new Set((args[list] as readonly unknown[]).map((user) => JSON.stringify(user))).size;
    const profiles = action === "DescribeSubAccounts" ? Math.ceil(users / MAX_SUB_ACCOUNTS_PER_CALL) : 0;
    return profiles + users * childComplexity;
  };
}

function refusal(
  action: Action,
  calls: number,
  { callsPerSecond, deadlineMs }: CamCallLimit,
  most: number,
): GraphQLError {
  return limitRefusal(
    `The operation needs ${calls} calls of ${action}. CAM takes ${callsPerSecond} a second, so they would take ` +
      `${Math.ceil(calls / callsPerSecond)} s, and an operation has ${deadlineMs / 1000} s. Ask for at most ${most} at a ` +
      "time and send the rest in further requests.",
  );
}
