import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SharedQuota, SharedWindows } from "../../src/quota/shared-quota.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { slotRequest } from "./slot-request.ts";

interface Fault {
  /** Statements of the operator, on a session of the gateway's own database. */
  readonly begin: readonly string[];
  readonly end: readonly string[];
  readonly reason: RegExp;
}

/** A quota whose database user is not a superuser, and its operator. */
async function openQuota() {
  const ownerUrl = await createTestPostgres();
  const url = new URL(await createGatewayRole(ownerUrl));
  const [name, role] = [url.pathname.slice(1), url.username];
  const cluster = new pg.Client(inject("testDatabases").postgresUrl);
  const operator = new pg.Client(ownerUrl);
  await Promise.all([cluster.connect(), operator.connect()]);
  onTestFinished(() => Promise.all([cluster.end(), operator.end()]).then(() => undefined));
  for (const statement of [
    `create role ${role}_owner`,
    `grant select, insert, update, delete on quota_window to ${role}_owner`,
    `grant execute on function lock_quota_window to ${role}_owner`,
    ...["take_slot", "probe_window"].map((called) => `alter function ${called} owner to ${role}_owner`),
  ]) {
    await operator.query(statement);
  }
  const reports: string[] = [];
  const back = Promise.withResolvers<void>();
  const windows = new SharedWindows({
    database: await openTestPostgres(url.href),
    clock: systemClock,
    replica: "r1",
    observer: {
      onStoreUnavailable: (_, reason) => reports.push(reason),
      onStoreRecovered: () => {
        reports.push("back");
        back.resolve();
      },
    },
  });
  onTestFinished(() => windows.close());
  const quota = new SharedQuota({ windows, ratePerSecond: 20 });
  const take = (access: "read" | "write", secretId = "AKIDTEST") =>
    quota.take(slotRequest({ access, secretId, deadlineMs: systemClock.monotonic() + 20_000 }));
  const run = async (statements: readonly string[]) => {
    for (const text of statements) {
      await operator.query(text.replaceAll("ROLE", role).replaceAll("DATABASE_NAME", name));
    }
  };
  return { take, run, reports, back: back.promise };
}

const CUT = "select pg_terminate_backend(pid, 30000) from pg_stat_activity where usename = 'ROLE'";

test.each<readonly [string, Fault]>([
  [
    "default_transaction_read_only of the database, and new sessions",
    {
      begin: ["alter database DATABASE_NAME set default_transaction_read_only = on", CUT],
      end: ["alter database DATABASE_NAME reset default_transaction_read_only"],
      reason: /^it is read-only \(25006\)\. Let DATABASE_URL lead to the primary/,
    },
  ],
  [
    "default_transaction_read_only of the role",
    {
      begin: ["alter role ROLE set default_transaction_read_only = on", CUT],
      end: ["alter role ROLE reset default_transaction_read_only"],
      reason: /^it is read-only \(25006\)/,
    },
  ],
  ...["all", "update", "select"].map(
    (right) =>
      [
        `the right to ${right} on quota_window revoked from the owner of the functions`,
        {
          begin: [`revoke ${right} on quota_window from ROLE_owner`],
          end: ["grant select, insert, update, delete on quota_window to ROLE_owner"],
          reason:
            /^this database user lacks a right \(42501\)\. Give the user the rights of docs\/operators\/database/,
        },
      ] as const,
  ),
  [
    "the right to run take_slot revoked",
    {
      begin: ["revoke execute on function take_slot from ROLE"],
      end: ["grant execute on function take_slot to ROLE"],
      reason: /^this database user lacks a right \(42501\)/,
    },
  ],
  [
    "a lock on the row",
    {
      begin: ["begin", "select * from quota_window for update"],
      end: ["commit"],
      reason:
        /^another session holds a lock that the gateway needs \(55P03\)\. Find that session in pg_locks/,
    },
  ],
  [
    "a lock on the table",
    {
      begin: ["begin", "lock table quota_window in access exclusive mode"],
      end: ["rollback"],
      reason: /^another session holds a lock/,
    },
  ],
])("%s: one outage, in which writes are refused and reads continue, ends by itself", async (_, fault) => {
  const { take, run, reports, back } = await openQuota();
  await expect(take("write")).resolves.toBeDefined();
  await run(fault.begin);
  await expect(take("write")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  // At the local rate, which takes over two seconds, with several probes in between.
  for (let read = 0; read < 4; read++) {
    const slot = await take("read");
    slot.settle("ANSWERED");
    await expect(take("write")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  }
  expect(reports).toEqual([expect.stringMatching(fault.reason)]);
  await run(fault.end);
  await back;
  await expect(take("write")).resolves.toBeDefined();
  expect(reports).toHaveLength(2);
});

test("a revoked right to insert stops a new key, and the outage lasts even while an old key works", async () => {
  const { take, run, reports, back } = await openQuota();
  await expect(take("write")).resolves.toBeDefined();
  await run(["revoke insert on quota_window from ROLE_owner"]);
  await expect(take("write")).resolves.toBeDefined();
  await expect(take("write", "AKIDNEW")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  for (let read = 0; read < 3; read++) (await take("read")).settle("ANSWERED");
  expect(reports).toHaveLength(1);
  await run(["grant insert on quota_window to ROLE_owner"]);
  await back;
  await expect(take("write", "AKIDNEW")).resolves.toBeDefined();
});
