import type { GraphQLError, GraphQLSchema } from "graphql";
import type { ComplexityEstimator } from "graphql-query-complexity";
import { DEFAULT_ACCOUNT } from "../../auth/account-name.ts";
import { MAX_SUB_ACCOUNTS_PER_CALL } from "../../cam/index.ts";
import { parseSubUserId } from "../sub-user/sub-user-id.ts";
import { limitRefusal } from "./limit-refusal.ts";
import { measureOperation, type Operation } from "./measure-operation.ts";

export interface CamCallLimit {
  /** Calls of one action that CAM takes in a second, for each account that the caller may use, by its name. */
  readonly rates: ReadonlyMap<string, number>;
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
  "Mutation.approveMfaChange": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.tryApproveMfaChange": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
};

/** Lists of users, of whom so many share one call for their profiles, by the argument that names them. */
export const LISTS_OF_USERS: Readonly<Record<string, string>> = {
  "Query.subUsers": "opUins",
  "Query._entities": "representations",
};

/**
 * Refuses an operation that cannot meet the deadline, because CAM takes no more calls of an account in that time: a
 * half-done operation helps nobody. Undefined for one that can.
 */
export function exceedsCamCalls(
  schema: GraphQLSchema,
  operation: Operation,
  { rates, deadlineMs }: CamCallLimit,
): GraphQLError | undefined {
  const estimate = (estimator: ComplexityEstimator): number => measureOperation(schema, operation, estimator);
  // Whoever has one account, which is usual, need not be asked which they mean.
  const named = rates.size > 1 ? accountsIn(estimate) : rates.keys();
  for (const account of named) {
    const callsPerSecond = rates.get(account);
    // The operation fails there, before CAM is called.
    if (callsPerSecond === undefined) continue;
    const most = mostCalls(callsPerSecond, deadlineMs);
    for (const action of ACTIONS) {
      const calls = estimate(estimatorOf(action, account));
      if (calls > most) return refusal({ action, account }, calls, { callsPerSecond, deadlineMs }, most);
    }
  }
  return undefined;
}

/** Calls that whatever account an operation means takes of an action within the deadline. */
export function fewestCalls({ rates, deadlineMs }: CamCallLimit): number {
  return Math.min(...[...rates.values()].map((callsPerSecond) => mostCalls(callsPerSecond, deadlineMs)));
}

function mostCalls(callsPerSecond: number, deadlineMs: number): number {
  return Math.max(1, Math.floor((callsPerSecond * deadlineMs) / 1000));
}

/** The accounts that an operation names, or means by naming none. */
function accountsIn(visit: (estimator: ComplexityEstimator) => unknown): ReadonlySet<string> {
  const accounts = new Set<string>();
  visit(({ type, field, args }) => {
    for (const account of accountsOf(`${type.name}.${field.name}`, args)) accounts.add(account);
    return 0;
  });
  return accounts;
}

const ENTITIES = "Query._entities";

/** Of a field that calls CAM, or whose fields do: the account of each of its users. */
function accountsOf(name: string, args: Arguments): string[] {
  if (name === ENTITIES) return (args["representations"] as readonly unknown[]).map(accountOfReference);
  return name in LISTS_OF_USERS || name in CALLS_OF_FIELDS ? [accountOfField(args)] : [];
}

type Arguments = Readonly<Record<string, unknown>>;

function accountOfField({ account }: Arguments): string {
  return typeof account === "string" ? account : DEFAULT_ACCOUNT;
}

function accountOfReference(reference: unknown): string {
  const id = (reference as { readonly id?: unknown } | null)?.id;
  return parseSubUserId(id)?.account ?? DEFAULT_ACCOUNT;
}

function estimatorOf(action: Action, account: string): ComplexityEstimator {
  return ({ type, field, args, childComplexity }) => {
    const name = `${type.name}.${field.name}`;
    const list = LISTS_OF_USERS[name];
    if (list === undefined) {
      // Fields of a user are in whatever account the field is that has the user.
      const isElsewhere =
        field.args.some(({ name: argument }) => argument === "account") && accountOfField(args) !== account;
      return isElsewhere ? 0 : (CALLS_OF_FIELDS[name]?.[action] ?? 0) + childComplexity;
    }
    const named = args[list] as readonly unknown[];
    const ours = named.filter(
      (user) => (name === ENTITIES ? accountOfReference(user) : accountOfField(args)) === account,
    );
    const users = new Set(ours.map((user) => JSON.stringify(user))).size;
    const profiles = action === "DescribeSubAccounts" ? Math.ceil(users / MAX_SUB_ACCOUNTS_PER_CALL) : 0;
    return profiles + users * childComplexity;
  };
}

function refusal(
  { action, account }: { readonly action: Action; readonly account: string },
  calls: number,
  { callsPerSecond, deadlineMs }: { readonly callsPerSecond: number; readonly deadlineMs: number },
  most: number,
): GraphQLError {
  const where = account === DEFAULT_ACCOUNT ? "" : ` in the account ${account}`;
  return limitRefusal(
    `The operation needs ${calls} calls of ${action}${where}. CAM takes ${callsPerSecond} a second, so they would take ` +
      `${Math.ceil(calls / callsPerSecond)} s, and an operation has ${deadlineMs / 1000} s. Ask for at most ${most} at a ` +
      "time and send the rest in further requests.",
  );
}
