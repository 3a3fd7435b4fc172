import type { KyselyPlugin } from "kysely";
import { expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import type { Database } from "../../src/database/database.ts";
import { SharedQuota, SharedWindows } from "../../src/quota/shared-quota.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { changeOf, startChangeService, within } from "../support/start-change-service.ts";

/** A database that counts its statements. */
function counted(database: Database): { readonly database: Database; statements(): number } {
  let statements = 0;
  const counter: KyselyPlugin = {
    transformQuery: ({ node }) => {
      statements += 1;
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const [db, quota, reads] = [database.db, database.quota, database.reads].map((lane) =>
    lane.withPlugin(counter),
  );
  return { database: { ...database, db, quota, reads } as Database, statements: () => statements };
}

const guard = { users: 100, withinMs: 600_000 };

test.each(["postgres", "pglite"] as const)(
  "a change costs four statements on %s: its intent, its outcome, and a slot for each call to CAM",
  async (kind) => {
    const { database, statements } = counted(await openTestDatabase(kind));
    const windows = new SharedWindows({ database, clock: systemClock, replica: "test" });
    const quota = new SharedQuota({ windows, ratePerSecond: 20 });
    const { changes } = await startChangeService({ database, quota, guard });
    // The first calls open connections, so their slots may come too early.
    await changes.setSubUserMfa(changeOf(ALICE, { login: { phone: true } }), within(10_000));
    const before = statements();
    await changes.setSubUserMfa(changeOf(ALICE, { login: { phone: false } }), within(10_000));
    expect(statements() - before).toBe(4);
    windows.close();
  },
);

test("a change with approval costs four statements until it waits, with its seal and its expiry, and four to approve", async () => {
  const { database, statements } = counted(await openTestDatabase("postgres"));
  const windows = new SharedWindows({ database, clock: systemClock, replica: "test" });
  const quota = new SharedQuota({ windows, ratePerSecond: 20 });
  const access = {
    authorise: async () => ({ approval: { ruleId: "two", expiresInMinutes: 5 } }),
    requireNotGatewayIdentity: async () => undefined,
  };
  const { changes, log, reports } = await startChangeService({ database, quota, guard, access });
  const askAndApprove = async (phone: boolean): Promise<[number, number]> => {
    const atFirst = statements();
    const asked = changes.setSubUserMfa(changeOf(ALICE, { login: { phone } }), within(10_000));
    await expect(asked).rejects.toMatchObject({ changeId: expect.any(String) });
    const toAsk = statements() - atFirst;
    const record = await log.find(reports.at(-1)?.changeId ?? "");
    if (record === undefined) throw new Error("It is on record.");
    const before = statements();
    const caller = { subject: "another", scopes: new Set<never>() };
    await changes.approve(record, undefined, { ...within(10_000), caller });
    return [toAsk, statements() - before];
  };
  // The first calls open connections, so their slots may come too early.
  await askAndApprove(true);
  expect(await askAndApprove(false)).toEqual([4, 4]);
  windows.close();
});
