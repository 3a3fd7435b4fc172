import type { GraphQLError } from "graphql";
import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { MAX_SUB_ACCOUNTS_PER_CALL } from "../../cam/index.ts";
import { limitRefusal } from "../documents/document-limits.ts";
import { parseSubUserId } from "../sub-user/sub-user-id.ts";
import { type SelectedField, type SelectedFields, sumUp } from "./selected-fields.ts";

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
  fields: SelectedFields,
  { rates, deadlineMs }: CamCallLimit,
): GraphQLError | undefined {
  const users = new Map<SelectedField, UserCounts>();
  for (const action of ACTIONS) {
    const { calls, anywhere } = countCalls(fields, action, users);
    for (const [account, inAccount] of calls) {
      const ratePerSecond = rates.get(account);
      // The operation fails there, before CAM is called.
      if (ratePerSecond === undefined) continue;
      const most = mostCalls(ratePerSecond, deadlineMs);
      const all = inAccount + anywhere;
      if (all > most) return refusal({ action, account }, all, { ratePerSecond, deadlineMs }, most);
    }
  }
  return undefined;
}

/** Calls that whatever account an operation means takes of an action within the deadline. */
export function fewestCalls({ rates, deadlineMs }: CamCallLimit): number {
  return Math.min(...[...rates.values()].map((ratePerSecond) => mostCalls(ratePerSecond, deadlineMs)));
}

function mostCalls(ratePerSecond: number, deadlineMs: number): number {
  return Math.max(1, Math.floor((ratePerSecond * deadlineMs) / 1000));
}

interface Calls {
  /** By the account that the operation names, or means by naming none. */
  readonly calls: ReadonlyMap<string, number>;
  /** Of fields that do not say in which account they call. */
  readonly anywhere: number;
}

/** Counts the calls of an action. Only fields of the root name an account; those below them call in the same one. */
function countCalls(fields: SelectedFields, action: Action, known: Map<SelectedField, UserCounts>): Calls {
  const calls = new Map<string, number>();
  let anywhere = 0;
  const add = (account: string, count: number): void => {
    calls.set(account, (calls.get(account) ?? 0) + count);
  };
  for (const selected of [...fields.values()].flat()) {
    const { name, field } = selected;
    const inner = sumUp(selected.inner, ({ name: below }, ofInner) => callsOf(below, action) + ofInner);
    if (name in LISTS_OF_USERS) {
      const counts = known.get(selected) ?? countUsers(selected);
      known.set(selected, counts);
      for (const [account, users] of counts) {
        const profiles = action === "DescribeSubAccounts" ? Math.ceil(users / MAX_SUB_ACCOUNTS_PER_CALL) : 0;
        add(account, profiles + users * inner);
      }
    } else if (field.args.some(({ name: argument }) => argument === "account")) {
      add(accountOfField(selected), callsOf(name, action) + inner);
    } else {
      anywhere += callsOf(name, action) + inner;
      if (name in CALLS_OF_FIELDS) add(DEFAULT_ACCOUNT, 0);
    }
  }
  return { calls, anywhere };
}

function callsOf(name: string, action: Action): number {
  return CALLS_OF_FIELDS[name]?.[action] ?? 0;
}

const ENTITIES = "Query._entities";

/** How many different users of each account a list names. */
type UserCounts = ReadonlyMap<string, number>;

function countUsers(selected: SelectedField): UserCounts {
  const counts = new Map<string, number>();
  const named = selected.argument(LISTS_OF_USERS[selected.name] ?? "");
  if (!Array.isArray(named)) return counts;
  for (const user of new Map(named.map((one: unknown) => [JSON.stringify(one), one])).values()) {
    const account = selected.name === ENTITIES ? accountOfReference(user) : accountOfField(selected);
    counts.set(account, (counts.get(account) ?? 0) + 1);
  }
  return counts;
}

function accountOfField({ argument }: SelectedField): string {
  const account = argument("account");
  return typeof account === "string" ? account : DEFAULT_ACCOUNT;
}

function accountOfReference(reference: unknown): string {
  const id = (reference as { readonly id?: unknown } | null)?.id;
  return parseSubUserId(id)?.account ?? DEFAULT_ACCOUNT;
}

function refusal(
  { action, account }: { readonly action: Action; readonly account: string },
  calls: number,
  { ratePerSecond, deadlineMs }: { readonly ratePerSecond: number; readonly deadlineMs: number },
  most: number,
): GraphQLError {
  const where = account === DEFAULT_ACCOUNT ? "" : ` in the account ${account}`;
  return limitRefusal(
    `The operation needs ${calls} calls of ${action}${where}. CAM takes ${ratePerSecond} a second, so they would take ` +
      `${Math.ceil(calls / ratePerSecond)} s, and an operation has ${deadlineMs / 1000} s. Ask for at most ${most} at a ` +
      "time and send the rest in further requests.",
  );
}
