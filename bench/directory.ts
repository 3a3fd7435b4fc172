import { loadavg } from "node:os";
import { sql } from "kysely";
import type { Database } from "../src/database/database.ts";
import { Directory, type ListOrder, type ListPosition } from "../src/directory/directory.ts";
import type { UserSelection } from "../src/directory/user-filter.ts";
import type { Bench } from "./support/bench.ts";
import { openStore } from "./support/open-store.ts";
import { verdict } from "./support/rows.ts";

const ACCOUNTS = Array.from({ length: 50 }, (_, at) => `account-${at}`);
const USERS = 50_000;
const PAGE = 50;

/** The lists that people open, with every kind of filter. */
const LISTS: Readonly<Record<string, Omit<UserSelection, "accounts">>> = {
  "no filter": {},
  "a rare name": { search: "user-43210" },
  "a common name": { search: "user-4" },
  "no such user": { search: "nobody at all" },
  "two words": { search: "finance user-12" },
  unprotected: { login: "UNPROTECTED" },
  unknown: { action: "UNKNOWN" },
  "by methods": { methods: ["wechat", "passkey"] },
  "by strength": { strength: ["NONE", "SMS"] },
  "unprotected with console login": { login: "UNPROTECTED", consoleLogin: true, hasPhone: true },
  inactive: { inactiveSince: new Date("2026-06-01T00:00:00Z") },
  stale: { staleSince: new Date(Date.now() - 7 * 86_400_000) },
};

const ORDERS: readonly ListOrder[] = (
  ["NAME", "LAST_LOGIN", "CREATED", "STRENGTH", "PROTECTIONS_AS_OF"] as const
).flatMap((field) => (["ASC", "DESC"] as const).map((direction) => ({ field, direction })));

/** Measures what a page of users costs: the page, the count of all users, and the page after it. */
export const directory: Bench = {
  name: "directory",
  title: `search, filter, sort and page over ${USERS} users in ${ACCOUNTS.length} accounts; ms`,
  async run({ smoke, print }) {
    for (const kind of ["postgres", "pglite"] as const) {
      await using parts = new AsyncDisposableStack();
      const database = await openStore(kind, parts);
      await fill(database, smoke ? 2_000 : USERS);
      const users = new Directory(database);
      const lists: Timing[] = [];
      for (let round = 0; round < (smoke ? 1 : 3); round++) {
        for (const [name, filter] of Object.entries(LISTS))
          for (const order of ORDERS) lists.push(...(await timeList(users, name, filter, order)));
      }
      const target = { atMost: kind === "postgres" ? 50 : 150 };
      const slowest = lists.toSorted((a, b) => b.ms - a.ms)[0];
      const p95 = percentile(lists, 0.95);
      print(
        `${kind}: ${lists.length} requests, p50 ${percentile(lists, 0.5).toFixed(1)}, p95 ${p95.toFixed(1)} ` +
          `(slowest ${slowest?.ms.toFixed(1)}: ${slowest?.name}); ${verdict(p95, target, smoke)}`,
      );
      const coverage: Timing[] = [];
      for (let round = 0; round < (smoke ? 1 : 20); round++)
        coverage.push(await timed("coverage", () => users.coverage(ACCOUNTS)));
      const most = percentile(coverage, 0.95);
      print(`${kind}: coverage p95 ${most.toFixed(1)}; ${verdict(most, { atMost: 100 }, smoke)}`);
      print(`load average ${loadavg()[0]?.toFixed(1)}`);
    }
  },
};

interface Timing {
  readonly name: string;
  readonly ms: number;
}

/** Fills the directory: a tenth unread, a third without protection, the rest with every method. */
async function fill(database: Database, users: number): Promise<void> {
  await database.withoutTimeLimit((db) =>
    sql`
    insert into directory_user (
      account, op_uin, name, remark, user_type, console_login, created, last_login, has_phone, has_email, profile_as_of,
      logins_as_of, login_methods, action_methods, login_unreported, action_unreported, protections_as_of, source
    )
    select 'account-' || i % 50, (200000000000 + i)::text, 'user-' || i, case i % 7 when 0 then 'finance' when 1 then '#vip' end,
      2, i % 3 > 0, '2025-0' || 1 + i % 9 || '-03 09:00:00',
      case when i % 5 > 0 then '2026-' || lpad((1 + i % 11)::text, 2, '0') || '-02 09:15:00' end, i % 2 = 0, i % 4 > 0,
      now(), now(), case when i % 10 > 0 then (array[0, 0, 0, 1, 4, 8, 5, 2, 64, 128])[1 + i % 9] end,
      case when i % 10 > 0 then (array[0, 4, 1])[1 + i % 3] end, case when i % 10 > 0 then 224 end,
      case when i % 10 > 0 then 224 end, case when i % 10 > 0 then now() - i * interval '1 minute' end,
      case when i % 10 > 0 then 'SCAN' end
    from generate_series(1, ${users}::integer) i`.execute(db),
  );
  await database.withoutTimeLimit((db) => sql`vacuum analyze directory_user`.execute(db));
}

/** Times the first page with its count, as the console asks for it, and the page after it. */
async function timeList(
  users: Directory,
  name: string,
  filter: Omit<UserSelection, "accounts">,
  order: ListOrder,
): Promise<readonly Timing[]> {
  const selection = { accounts: ACCOUNTS, ...filter };
  const label = `${name}, ${order.field} ${order.direction}`;
  let next: ListPosition | undefined;
  const first = await timed(`${label}, first page and count`, async () => {
    const { entries, total } = await users.list(selection, order, PAGE + 1);
    if (total === undefined) await users.count(selection);
    next = entries[PAGE - 1]?.position;
  });
  if (next === undefined) return [first];
  return [first, await timed(`${label}, next page`, () => users.list(selection, order, PAGE + 1, next))];
}

async function timed(name: string, work: () => Promise<unknown>): Promise<Timing> {
  const startedMs = performance.now();
  await work();
  return { name, ms: performance.now() - startedMs };
}

function percentile(timings: readonly Timing[], share: number): number {
  const sorted = timings.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}
