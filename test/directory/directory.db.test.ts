import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { Directory, type ListOrder, type ListPosition } from "../../src/directory/directory.ts";
import type { UserSelection } from "../../src/directory/user-filter.ts";
import { openTestDatabase } from "../support/open-test-database.ts";

/** More users than the database visits in an order before it reads all of them. */
const USERS = Array.from({ length: 3_000 }, (_, at) => ({
  account: `account-${at % 3}`,
  op_uin: String(200_000_000_000 + at),
  name: `User-${at}`,
  created: `2025-0${1 + (at % 9)}-03 09:00:00`,
  last_login: at % 4 === 0 ? null : `2026-0${1 + (at % 7)}-02 09:15:00`,
  // The last users are unread.
  login: at < 2_700 ? [0, 1, 4, 64][at % 4] : null,
  as_of: at < 2_700 ? new Date(Date.UTC(2026, 0, 1) + (at % 500) * 1_000).toISOString() : null,
}));

type User = (typeof USERS)[number];

const LISTS: Readonly<
  Record<string, readonly [Omit<UserSelection, "accounts">, (user: User) => boolean | undefined]>
> = {
  everybody: [{}, () => true],
  "many users": [{ login: "UNPROTECTED" }, ({ login }) => login === 0],
  "few users": [{ search: "user-12" }, ({ name }) => name.includes("User-12")],
  "users that stand together": [{ login: "UNKNOWN" }, ({ login }) => login === null],
  nobody: [{ search: "nobody" }, () => false],
  "many users by name": [{ search: "user" }, () => true],
  "protected users": [{ login: "PROTECTED" }, ({ login }) => login !== null && login !== 0],
  "weak users": [{ strength: ["NONE", "SMS"] }, ({ login }) => login === 0 || login === 1],
  "inactive users": [
    { inactiveSince: new Date("2026-04-01T00:00:00Z") },
    ({ last_login }) => last_login !== null && last_login < "2026-04-01",
  ],
  "stale users": [
    { staleSince: new Date("2026-01-01T00:02:00Z") },
    ({ as_of }) => as_of === null || as_of < "2026-01-01T00:02",
  ],
};

const STRENGTHS: Readonly<Record<number, number>> = { 0: 0, 1: 1, 4: 3, 64: 4 };

const KEYS: Readonly<Record<ListOrder["field"], (user: User) => string | number>> = {
  NAME: ({ name }) => name.toLowerCase(),
  LAST_LOGIN: ({ last_login }) => last_login ?? "",
  CREATED: ({ created }) => created,
  STRENGTH: ({ login }) => STRENGTHS[login ?? -1] ?? -1,
  PROTECTIONS_AS_OF: ({ as_of }) => as_of ?? "",
};

const ACCOUNTS = ["account-0", "account-1"];

let directory: Directory;

beforeAll(async () => {
  const database = await openTestDatabase("postgres");
  await sql`
    insert into directory_user (
      account, op_uin, name, created, last_login, login_methods, action_methods, login_unreported, action_unreported,
      protections_as_of, source
    )
    select account, op_uin, name, created, last_login, login, login, login * 0, login * 0, as_of,
      case when as_of is not null then 'SCAN' end
    from jsonb_to_recordset(${JSON.stringify(USERS)}::jsonb) u (
      account text, op_uin text, name text, created text, last_login text, login smallint, as_of timestamptz
    )`.execute(database.db);
  directory = new Directory(database);
});

describe.each(Object.entries(LISTS))("a list of %s", (_name, [filter, isSelected]) => {
  test.each(
    (Object.keys(KEYS) as ListOrder["field"][]).flatMap((field) =>
      (["ASC", "DESC"] as const).map((direction) => ({ field, direction })),
    ),
  )("has every user once in the order of $field $direction, and the right total", async (order) => {
    const selection = { accounts: ACCOUNTS, ...filter };
    const selected = USERS.filter((user) => ACCOUNTS.includes(user.account) && isSelected(user));
    const listed: string[] = [];
    let after: ListPosition | undefined;
    do {
      const { entries, total } = await directory.list(selection, order, 400, after);
      expect(total ?? selected.length).toBe(selected.length);
      listed.push(...entries.map(({ user }) => user.opUin));
      after = entries.length === 400 ? entries.at(-1)?.position : undefined;
    } while (after !== undefined);
    expect(listed).toEqual(inOrder(selected, order).map((user) => user.op_uin));
    expect(await directory.count(selection)).toBe(selected.length);
  });
});

test("a list that fits in one page has the total", async () => {
  const order = { field: "NAME", direction: "ASC" } as const;
  for (const search of ["user-1234", "user-230", "nobody"]) {
    const { total } = await directory.list({ accounts: ACCOUNTS, search }, order, 20);
    expect(total).toBe(await directory.count({ accounts: ACCOUNTS, search }));
  }
});

function inOrder(users: readonly User[], { field, direction }: ListOrder): readonly User[] {
  const sign = direction === "ASC" ? 1 : -1;
  const places = (user: User) => [KEYS[field](user), user.account, user.op_uin];
  return users.toSorted((left, right) => {
    const others = places(right);
    const [value, other] = places(left)
      .map((place, at) => [place, others[at] ?? ""] as const)
      .find(([one, another]) => one !== another) ?? [0, 0];
    return value < other ? -sign : sign;
  });
}
