import type { GraphQLError } from "graphql";
import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { MAX_SUB_ACCOUNTS_PER_CALL } from "../../cam/index.ts";
import { parseSubUserId } from "../arguments.ts";
import { limitRefusal } from "../documents/document-limits.ts";
import { type SelectedField, type SelectedFields, sumUp } from "./selected-fields.ts";

export interface CamCallLimit {
  /** The calls of one action that CAM accepts in a second, by the name of each account that the caller may use. */
  readonly rates: ReadonlyMap<string, number>;
  /** The milliseconds that an operation may take. */
  readonly deadlineMs: number;
}

/** The CAM actions that fields call. Each has its own rate limit. */
const ACTIONS = ["SetMfaFlag", "DescribeSafeAuthFlagColl", "DescribeSubAccounts"] as const;

type Action = (typeof ACTIONS)[number];

/** The CAM calls of each field, without the fields below it. A test compares them with the `@cost` of the schema. */
export const CALLS_OF_FIELDS: Readonly<Record<string, Partial<Readonly<Record<Action, number>>>>> = {
  "Query.subUser": { DescribeSubAccounts: 1 },
  "SubUser.mfa": { DescribeSafeAuthFlagColl: 1 },
  "Mutation.setSubUserMfa": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.trySetSubUserMfa": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.approveMfaChange": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.tryApproveMfaChange": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
};

/**
 * The fields that list users, with the argument that names the users or their number. Up to 50 users share one call for
 * profiles.
 */
export const LISTS_OF_USERS: Readonly<Record<string, string>> = {
  "Query.subUsers": "opUins",
  "Query._entities": "representations",
  "Query.subUserDirectory": "first",
};

/**
 * Returns the refusal of an operation that needs more calls in an account than CAM accepts before the deadline, or
 * undefined. That operation would end half done.
 */
export function exceedsCamCalls(
  fields: SelectedFields,
  { rates, deadlineMs }: CamCallLimit,
): GraphQLError | undefined {
  const users = new Map<SelectedField, UserCounts>();
  for (const action of ACTIONS) {
    const { calls, anywhere } = countCalls(fields, { action, accounts: [...rates.keys()] }, users);
    for (const [account, inAccount] of calls) {
      const ratePerSecond = rates.get(account);
      // The operation fails at that account before it calls CAM.
      if (ratePerSecond === undefined) continue;
      const most = mostCalls(ratePerSecond, deadlineMs);
      const all = inAccount + anywhere;
      if (all <= most) continue;
      const where = account === DEFAULT_ACCOUNT ? "" : ` in the account ${account}`;
      return limitRefusal(
        `The operation needs ${all} calls of ${action}${where}. CAM accepts ${ratePerSecond} a second, so they would ` +
          `take ${Math.ceil(all / ratePerSecond)} s, and an operation has ${deadlineMs / 1000} s. Ask for at most ` +
          `${most} at a time and send the rest in further requests.`,
      );
    }
  }
  return undefined;
}

/** Returns the calls of one action that every account accepts before the deadline. */
export function fewestCalls({ rates, deadlineMs }: CamCallLimit): number {
  return Math.min(...[...rates.values()].map((ratePerSecond) => mostCalls(ratePerSecond, deadlineMs)));
}

function mostCalls(ratePerSecond: number, deadlineMs: number): number {
  return Math.max(1, Math.floor((ratePerSecond * deadlineMs) / 1000));
}

/**
 * Counts the calls of an action by account. `anywhere` counts the calls of fields without an account in the operation.
 * Only root fields name an account. The fields below them use the same one.
 */
function countCalls(
  fields: SelectedFields,
  { action, accounts }: { readonly action: Action; readonly accounts: readonly string[] },
  known: Map<SelectedField, UserCounts>,
): { readonly calls: ReadonlyMap<string, number>; readonly anywhere: number } {
  const calls = new Map<string, number>();
  let anywhere = 0;
  const add = (account: string, count: number): void => {
    calls.set(account, (calls.get(account) ?? 0) + count);
  };
  for (const selected of [...fields.values()].flat()) {
    const { name, field } = selected;
    const inner = sumUp(selected.inner, ({ name: below }, ofInner) => callsOf(below, action) + ofInner);
    if (name in LISTS_OF_USERS) {
      const counts = known.get(selected) ?? countUsers(selected, accounts);
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

/** The number of different users in a list, by account. */
type UserCounts = ReadonlyMap<string, number>;

/** @param accounts The accounts of the caller. A list without named users may have all its users in each of them. */
function countUsers(selected: SelectedField, accounts: readonly string[]): UserCounts {
  const counts = new Map<string, number>();
  const named = selected.argument(LISTS_OF_USERS[selected.name] ?? "");
  if (typeof named === "number") return new Map(accounts.map((account) => [account, named]));
  if (!Array.isArray(named)) return counts;
  for (const user of new Map(named.map((one: unknown) => [JSON.stringify(one), one])).values()) {
    const account = selected.name === "Query._entities" ? accountOfReference(user) : accountOfField(selected);
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
