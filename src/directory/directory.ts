import { type RawBuilder, sql } from "kysely";
import { runRead } from "../audit/run-query.ts";
import type { PolicyException } from "../auth/policy/policy.ts";
import type { MfaFlagState } from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { flagsOf, type ProtectionState, STRENGTHS, type Strength, stateOf } from "./protections.ts";
import {
  hasFilter,
  isExcused,
  isInState,
  isSelected,
  NEVER_LOGGED_IN,
  STRENGTH,
  textArray,
  type UserSelection,
} from "./user-filter.ts";

/** What the gateway knows about a user. Undefined means that it does not know. */
export interface DirectoryUser {
  readonly account: string;
  readonly opUin: Uin;
  readonly name?: string;
  readonly remark?: string;
  readonly userType?: number;
  readonly consoleLogin?: boolean;
  /** `YYYY-MM-DD hh:mm:ss`, as CAM sends it. */
  readonly createTime?: string;
  readonly lastLoginTime?: string;
  readonly hasPhone?: boolean;
  readonly hasEmail?: boolean;
  readonly loginState: ProtectionState;
  readonly actionState: ProtectionState;
  readonly strength: Strength;
  readonly protections?: KnownProtections;
}

interface KnownProtections {
  readonly login: MfaFlagState;
  readonly action: MfaFlagState;
  /** When the read began, or when a change of the gateway was settled, by the database's clock. */
  readonly asOf: Date;
  readonly source: "SCAN" | "READ" | "CHANGE";
}

/** A user in a list, with the position behind which the list continues. */
interface ListedEntry {
  readonly user: DirectoryUser;
  readonly position: ListPosition;
}

/** A page of a list. */
interface ListedPage {
  readonly entries: readonly ListedEntry[];
  /** The number of selected users, if the query of the page counted them. */
  readonly total: number | undefined;
}

/** The place of a user in an order: the value that the order compares, then account and Uin. */
export interface ListPosition {
  readonly key: string;
  readonly account: string;
  readonly opUin: string;
}

export type OrderField = keyof typeof ORDERS;

export interface ListOrder {
  readonly field: OrderField;
  readonly direction: "ASC" | "DESC";
}

/**
 * What each order compares, without nulls: unknown values come first in ascending order. The database has an index for each.
 * `toText` and `fromText` convert it for a cursor, without loss.
 */
const ORDERS = {
  NAME: asItIs(sql`lower(coalesce(name, ''))`, sql`text`),
  LAST_LOGIN: asItIs(sql`coalesce(last_login, '')`, sql`text`),
  CREATED: asItIs(sql`coalesce(created, '')`, sql`text`),
  STRENGTH: asItIs(sql`coalesce(${STRENGTH}, -1)`, sql`integer`),
  PROTECTIONS_AS_OF: {
    key: sql`coalesce(protections_as_of, '-infinity')`,
    toText: sql`coalesce((extract(epoch from protections_as_of) * 1000000)::bigint, 0)::text`,
    fromText: (text: string) =>
      text === "0"
        ? sql`'-infinity'::timestamptz`
        : sql`timestamptz 'epoch' + ${text}::bigint * interval '1 microsecond'`,
  },
} as const satisfies Readonly<Record<string, OrderKey>>;

interface OrderKey {
  readonly key: RawBuilder<unknown>;
  readonly toText: RawBuilder<unknown>;
  readonly fromText: (text: string) => RawBuilder<unknown>;
}

function asItIs(key: RawBuilder<unknown>, type: RawBuilder<unknown>): OrderKey {
  return { key, toText: sql`(${key})::text`, fromText: (text) => sql`${text}::${type}` };
}

/** The users of one account, counted by what the gateway knows about them. */
export interface AccountCoverage {
  readonly account: string;
  readonly users: number;
  readonly login: StateCounts;
  readonly action: StateCounts;
  readonly strengths: Readonly<Record<Strength, number>>;
  readonly neverLoggedIn: number;
  /** The users whose protections the gateway does not know. */
  readonly unknown: number;
  /** The users whom an exception of the policy excuses from rollouts. */
  readonly excused: number;
  /** The time of the oldest known protections. */
  readonly oldest: Date | undefined;
}

type StateCounts = Readonly<Record<ProtectionState, number>>;

/** Answers questions about all users of all accounts from the database, without a call to CAM. */
export class Directory {
  readonly #database: Database;
  readonly #exceptions: () => readonly PolicyException[];

  /** @param exceptions Returns the exceptions of the policy that are in force now. */
  constructor(database: Database, exceptions: () => readonly PolicyException[] = () => []) {
    this.#database = database;
    this.#exceptions = exceptions;
  }

  /**
   * Returns the selected users after a position. Without a filter, an index gives them in order. With one, the database
   * reads all users once, for the page and the count: an index would visit most of them, one at a time.
   * @throws GatewayError STORE_UNAVAILABLE
   */
  async list(
    selection: UserSelection,
    { field, direction }: ListOrder,
    limit: number,
    after?: ListPosition,
  ): Promise<ListedPage> {
    const { key, toText, fromText } = ORDERS[field];
    const [compare, order] = direction === "ASC" ? [sql`>`, sql`asc`] : [sql`<`, sql`desc`];
    const isAfter = (value: RawBuilder<unknown>) =>
      after === undefined
        ? sql`true`
        : sql`(${value}, account, op_uin) ${compare} (${fromText(after.key)}, ${after.account}, ${after.opUin})`;
    const inOrder = (value: RawBuilder<unknown>) =>
      sql`order by ${value} ${order}, account ${order}, op_uin ${order}`;
    const rows = await runRead<UserRow & { readonly key: string; readonly total?: number }>(
      this.#database,
      hasFilter(selection)
        ? sql`
      with selected as materialized (
        select account, op_uin, ${key} as value from directory_user where ${isSelected(selection)}
      )
      select ${COLUMNS}, ${toText} as key, (select count(*)::integer from selected) as total
      from (select * from selected where ${isAfter(sql`value`)} ${inOrder(sql`value`)} limit ${limit}) page
        join directory_user using (account, op_uin)
      ${inOrder(sql`value`)}`
        : sql`
      select ${COLUMNS}, ${toText} as key from directory_user
      where ${isSelected(selection)} and ${isAfter(key)} ${inOrder(key)} limit ${limit}`,
    );
    const entries = rows.map(({ key: at, total: _, ...row }) => ({
      user: toUser(row),
      position: { key: at, account: row.account, opUin: row.opUin },
    }));
    return { entries, total: rows[0]?.total };
  }

  /** Returns the number of selected users. @throws GatewayError STORE_UNAVAILABLE */
  async count(selection: UserSelection): Promise<number> {
    const [row] = await runRead<{ users: number }>(
      this.#database,
      sql`select count(*)::integer as users from directory_user where ${isSelected(selection)}`,
    );
    return row?.users ?? 0;
  }

  /** Returns the known users among some of an account. @throws GatewayError STORE_UNAVAILABLE */
  async find(account: string, opUins: readonly Uin[]): Promise<ReadonlyMap<Uin, DirectoryUser>> {
    const rows = await runRead<UserRow>(
      this.#database,
      sql`select ${COLUMNS} from directory_user where ${isSelected({ accounts: [account], opUins })}`,
    );
    return new Map(rows.map((row) => [row.opUin, toUser(row)]));
  }

  /** Returns the selected users of one account after a Uin, in the order of the Uins. */
  async page(selection: UserSelection, limit: number, after = ""): Promise<readonly DirectoryUser[]> {
    const rows = await runRead<UserRow>(
      this.#database,
      sql`
      select ${COLUMNS} from directory_user
      where ${isSelected(selection)} and op_uin > ${after} order by op_uin limit ${limit}`,
    );
    return rows.map(toUser);
  }

  /** Returns the counts of each account, in the order of the names. @throws GatewayError STORE_UNAVAILABLE */
  async coverage(accounts: readonly string[]): Promise<readonly AccountCoverage[]> {
    const states = ["PROTECTED", "UNPROTECTED", "UNKNOWN"] as const;
    const countOf = (condition: RawBuilder<unknown>) =>
      sql`coalesce(sum(users) filter (where ${condition}), 0)::integer`;
    const byState = (protection: "login" | "action") =>
      sql`json_build_object(${sql.join(states.flatMap((state) => [sql.lit(state), countOf(isInState(protection, state))]))})`;
    const byStrength = STRENGTHS.flatMap((name, number) => [
      sql.lit(name),
      countOf(sql`${STRENGTH} = ${sql.lit(number)}`),
    ]);
    // Users of an account share few combinations of values, so each condition is judged once a combination.
    const combination = sql`account, login_methods, action_methods, login_unreported, action_unreported, strength`;
    return runRead<AccountCoverage>(
      this.#database,
      sql`
      with combined as (
        select ${combination}, ${NEVER_LOGGED_IN} as never_logged_in, ${isExcused(this.#exceptions())} as excused,
          count(*) as users, min(protections_as_of) as oldest
        from directory_user where ${isSelected({ accounts })} group by ${combination}, never_logged_in, excused
      )
      select n.account, coalesce(sum(users), 0)::integer as users, ${byState("login")} as login,
        ${byState("action")} as action,
        json_build_object(${sql.join(byStrength)}, 'UNKNOWN', ${countOf(sql`(${STRENGTH}) is null`)}) as strengths,
        ${countOf(sql`never_logged_in`)} as never_logged_in, ${countOf(sql`login_methods is null`)} as unknown,
        ${countOf(sql`excused`)} as excused,
        min(oldest) as oldest
      from unnest(${textArray(accounts)}) n (account) left join combined c on c.account = n.account
      group by n.account order by n.account`,
    );
  }
}

const COLUMNS = sql`
  account, op_uin, name, remark, user_type, console_login, created as create_time, last_login as last_login_time,
  has_phone, has_email, ${STRENGTH} as strength, login_methods, action_methods, login_unreported, action_unreported,
  protections_as_of, source`;

interface UserRow extends Omit<DirectoryUser, "strength" | "loginState" | "actionState" | "protections"> {
  readonly strength?: number;
  readonly loginMethods?: number;
  readonly actionMethods?: number;
  readonly loginUnreported?: number;
  readonly actionUnreported?: number;
  readonly protectionsAsOf?: Date;
  readonly source?: KnownProtections["source"];
}

function toUser(row: UserRow): DirectoryUser {
  const { strength, loginMethods, actionMethods, loginUnreported, actionUnreported, ...rest } = row;
  const { protectionsAsOf: asOf, source, ...user } = rest;
  const isKnown = loginMethods !== undefined && actionMethods !== undefined && asOf && source;
  return {
    ...user,
    strength: strength === undefined ? "UNKNOWN" : (STRENGTHS[strength] ?? "UNKNOWN"),
    loginState: stateOf(loginMethods, loginUnreported),
    actionState: stateOf(actionMethods, actionUnreported),
    ...(isKnown && {
      protections: {
        login: flagsOf(loginMethods, loginUnreported ?? 0),
        action: flagsOf(actionMethods, actionUnreported ?? 0),
        ...{ asOf, source },
      },
    }),
  };
}
