import { type RawBuilder, sql } from "kysely";
import type { PolicyException } from "../auth/policy/policy.ts";
import type { MfaFlagState } from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { runRead, textArray } from "../database/statements.ts";
import { type AccountCoverage, countUsers } from "./count-users.ts";
import { flagsOf, type ProtectionState, STRENGTHS, type Strength, stateOf } from "./protections.ts";
import { firstValue, hasWords, isSelected, STRENGTH, type UserSelection } from "./user-filter.ts";

/** A user in the directory. An undefined field is unknown. */
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

/** A user in a list, with the position after which the list continues. */
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

/** The most users that a query reads by an index. Each costs about four times as much as in a sequential read. */
const NEXT = 1_000;

/** The position of a user in an order: the sorted value, then account and Uin. */
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
 * The sorted expression of each order, without nulls: unknown values are first in ascending order. The database has an
 * index for each. `toText` and `fromText` convert the value for a cursor without loss.
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

/** Queries the users of all accounts in the database, without a call to CAM. */
export class Directory {
  readonly #database: Database;
  readonly #exceptions: () => readonly PolicyException[];

  /** @param exceptions Returns the exceptions of the policy that are in force now. */
  constructor(database: Database, exceptions: () => readonly PolicyException[] = () => []) {
    this.#database = database;
    this.#exceptions = exceptions;
  }

  /**
   * Returns the selected users after a position. If few users match the search, the database reads only those.
   * Otherwise it reads the next users by the order's index. If too few of them match, it reads all users once, for the
   * page and the count.
   * @throws GatewayError STORE_UNAVAILABLE
   */
  async list(
    selection: UserSelection,
    listOrder: ListOrder,
    limit: number,
    after?: ListPosition,
  ): Promise<ListedPage> {
    const { key, toText, fromText } = ORDERS[listOrder.field];
    const [compare, order] = listOrder.direction === "ASC" ? [sql`>`, sql`asc`] : [sql`<`, sql`desc`];
    const inOrder = sql`order by value ${order}, account ${order}, op_uin ${order}`;
    const first = firstValue(listOrder, selection);
    const isAfter = (value: RawBuilder<unknown>) => {
      if (after !== undefined)
        return sql`(${value}, account, op_uin) ${compare} (${fromText(after.key)}, ${after.account}, ${after.opUin})`;
      return first === undefined ? sql`true` : sql`${value} ${compare}= ${fromText(first)}`;
    };
    const pageOf = (users: RawBuilder<unknown>, total: RawBuilder<unknown>) => sql`
      select ${COLUMNS}, ${toText} as key, ${total} as total
      from (${users} ${inOrder} limit ${limit}) page join directory_user using (account, op_uin) ${inOrder}`;
    const run = (query: RawBuilder<unknown>) =>
      runRead<UserRow & { readonly key: string; readonly total?: number }>(this.#database, query);
    const next = sql`
      select *, ${key} as value from directory_user
      where ${isSelected({ accounts: selection.accounts })} and ${isAfter(key)} ${inOrder} limit ${NEXT}`;
    const found = await this.#find(selection);
    let rows =
      found === undefined
        ? await run(
            pageOf(
              sql`select account, op_uin, value from (${next}) next where ${isSelected(selection)}`,
              sql`null`,
            ),
          )
        : [];
    if (rows.length < limit) {
      rows = await run(sql`
        with selected as materialized (
          select account, op_uin, ${key} as value from ${found ?? sql`directory_user where ${isSelected(selection)}`}
        ) ${pageOf(
          sql`select * from selected where ${isAfter(sql`value`)}`,
          sql`(select count(*)::integer from selected)`,
        )}`);
    }
    const entries = rows.map(({ key: at, total: _, ...row }) => ({
      user: toUser(row),
      position: { key: at, account: row.account, opUin: row.opUin },
    }));
    const isWhole = after === undefined && entries.length < limit;
    return { entries, total: isWhole ? entries.length : rows[0]?.total };
  }

  /** Returns the selected users that match the search. Undefined without a search, or if many users match. */
  async #find(selection: UserSelection): Promise<RawBuilder<unknown> | undefined> {
    if (!hasWords(selection)) return undefined;
    const { accounts, search, ...rest } = selection;
    const found = await runRead<{ readonly account: string; readonly opUin: Uin }>(
      this.#database,
      sql`select account, op_uin from directory_user where ${isSelected({ accounts, search })} limit ${NEXT}`,
    );
    if (found.length === NEXT) return undefined;
    const [names, uins] = [found.map(({ account }) => account), found.map(({ opUin }) => opUin)];
    return sql`
      unnest(${textArray(names)}, ${textArray(uins)}) found (in_account, uin) cross join lateral (
        select * from directory_user where account = in_account and op_uin = uin and ${isSelected({ accounts, ...rest })}
        limit 1
      ) selected_user`;
  }

  /** Returns the number of selected users. @throws GatewayError STORE_UNAVAILABLE */
  async count(selection: UserSelection): Promise<number> {
    const [row] = await runRead<{ users: number }>(
      this.#database,
      sql`select count(*)::integer as users from directory_user where ${isSelected(selection)}`,
    );
    return row?.users ?? 0;
  }

  /** Returns those of an account's given users that the directory has. @throws GatewayError STORE_UNAVAILABLE */
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
  coverage(accounts: readonly string[]): Promise<readonly AccountCoverage[]> {
    return countUsers(this.#database, accounts, this.#exceptions());
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
