import { type RawBuilder, sql } from "kysely";
import { beforeAll, expect, test } from "vitest";
import { exceptionOf, exceptionsAt } from "../../src/auth/policy/decide-access.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { isExcused } from "../../src/directory/user-filter.ts";
import { policyOf } from "../auth/policy/policy-of.ts";
import { openTestDatabase } from "../support/open-test-database.ts";

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

/** A user, or the only part of one that matters. */
type User = Partial<Readonly<Record<"account" | "opUin" | "name", string | null>>>;

/** A time within each exception that names no other. */
const NOON = Date.UTC(2026, 10, 24, 12);
const midnight = (day: number) => Date.UTC(2026, 10, day);

/** An exception, and users whom it excuses and does not excuse. */
const CASES: readonly [what: string, exception: object, excused: readonly User[], others: readonly User[]][] =
  [
    [
      "a Uin",
      { users: { uins: ["100"] } },
      [{ opUin: "100" }, { opUin: "100", name: null }],
      [{ opUin: "1000" }],
    ],
    [
      "both ends of a range of Uins",
      { users: { uins: ["99-101"] } },
      [{ opUin: "99" }, { opUin: "100" }, { opUin: "101" }],
      [{ opUin: "98" }, { opUin: "102" }, { opUin: "1000" }],
    ],
    [
      "the largest Uins, which no float holds",
      { users: { uins: ["18446744073709551614-18446744073709551615"] } },
      [{ opUin: "18446744073709551614" }, { opUin: "18446744073709551615" }],
      [{ opUin: "18446744073709551613" }],
    ],
    [
      "a name",
      { users: { names: ["robot"] } },
      [{ name: "robot" }],
      [{ name: "robots" }, { name: "Robot" }, { name: null }],
    ],
    [
      "a pattern of names",
      { users: { names: ["ro*t-*"] } },
      [{ name: "robot-1" }, { name: "rot-" }, { name: "ro t-\n2" }, { name: "ro🤖t-1" }],
      [{ name: "robot" }, { name: "a robot-1" }, { name: null }],
    ],
    ["any name", { users: { names: ["*"] } }, [{ name: "a" }, { name: "" }], [{ name: null }]],
    [
      "characters that LIKE gives a meaning",
      { users: { names: ["100%", "a_b", "c\\d", "e\\*"] } },
      [{ name: "100%" }, { name: "a_b" }, { name: "c\\d" }, { name: "e\\f" }],
      [{ name: "1000" }, { name: "axb" }, { name: "cd" }, { name: "c\\\\d" }, { name: "ef" }, { name: "e*" }],
    ],
    [
      "a name in another Unicode form",
      { users: { names: ["jose\u0301*"] } },
      [{ name: "jos\u00e9" }, { name: "jose\u0301 2" }],
      [{ name: "jose" }],
    ],
    [
      "a Uin or a name",
      { users: { uins: ["100"], names: ["robot"] } },
      [{ opUin: "100" }, { name: "robot" }],
      [{ opUin: "101", name: "ann" }],
    ],
    [
      "users of some accounts",
      { users: { names: ["robot"] }, accounts: ["prod-*", "default"] },
      [
        { account: "prod-1", name: "robot" },
        { account: "default", name: "robot" },
      ],
      [
        { account: "prod", name: "robot" },
        { account: "test-prod-1", name: "robot" },
        { account: "default", name: "ann" },
      ],
    ],
  ];

/** Returns by both ways whether a policy with one exception excuses a user at a time. */
async function excusedBy(exception: object, user: User, atMs = NOON): Promise<readonly boolean[]> {
  const { account, opUin, name } = { account: "default", opUin: "5", name: "ann", ...user };
  const given = { reason: "No device", until: "2026-11-24", ...exception };
  const exceptions = exceptionsAt(policyOf({ exceptions: [given], rules: [] }), atMs);
  const judged = exceptionOf(exceptions, { account: account ?? "", opUin: opUin as Uin, name });
  const { rows } = await sql<{ excused: boolean }>`
    select ${isExcused(exceptions) as RawBuilder<boolean>} as excused
    from (values (${account}::text, ${opUin}::text, ${name}::text)) u (account, op_uin, name)`.execute(
    database.db,
  );
  return [judged !== undefined, rows[0]?.excused === true];
}

test.each(CASES)(
  "an exception for %s excuses the same users in a plan and in the coverage",
  async (...[, exception, excused, others]) => {
    for (const user of excused)
      expect([user, await excusedBy(exception, user)]).toEqual([user, [true, true]]);
    for (const user of others)
      expect([user, await excusedBy(exception, user)]).toEqual([user, [false, false]]);
  },
);

test.each([
  ["before its last day", midnight(24) - 1, true],
  ["when its last day begins", midnight(24), true],
  ["when its last day ends", midnight(25) - 1, true],
  ["after its last day", midnight(25), false],
])("an exception excuses %s: %#", async (_, atMs, isOn) => {
  expect(await excusedBy({ users: { uins: ["100"] } }, { opUin: "100" }, atMs)).toEqual([isOn, isOn]);
});
