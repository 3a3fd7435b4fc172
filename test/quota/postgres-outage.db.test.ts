import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SharedQuota, SharedWindows } from "../../src/quota/shared-quota.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { slotRequest } from "./slot-request.ts";

async function openQuota() {
  const url = await createTestPostgres();
  const name = new URL(url).pathname.slice(1);
  const operator = new pg.Client(inject("testDatabases").postgresUrl);
  await operator.connect();
  const back = Promise.withResolvers<void>();
  const windows = new SharedWindows({
    database: await openTestPostgres(url),
    clock: systemClock,
    replica: "r1",
    observer: { onStoreRecovered: () => back.resolve() },
  });
  const quota = new SharedQuota({ windows, ratePerSecond: 20 });
  onTestFinished(async () => {
    windows.close();
    await operator.end();
  });
  const endConnections = () =>
    operator.query("select pg_terminate_backend(pid, 30000) from pg_stat_activity where datname = $1", [
      name,
    ]);
  const letIn = (isLetIn: boolean) => operator.query(`alter database ${name} allow_connections ${isLetIn}`);
  const take = (access: "read" | "write") =>
    quota.take(slotRequest({ access, deadlineMs: systemClock.monotonic() + 20_000 }));
  return { quota, endConnections, letIn, take, back: back.promise };
}

test("after the server ends every connection, calls use new connections without an error", async () => {
  const { take, endConnections } = await openQuota();
  await expect(take("write")).resolves.toBeDefined();
  await endConnections();
  await expect(take("write")).resolves.toBeDefined();
});

test("a server that allows no connections stops writes, and writes continue when it allows them again", async () => {
  const { take, endConnections, letIn, back } = await openQuota();
  await expect(take("write")).resolves.toBeDefined();
  await letIn(false);
  await endConnections();
  await expect(take("write")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await expect(take("read")).resolves.toBeDefined();
  await letIn(true);
  await back;
  await expect(take("write")).resolves.toBeDefined();
});
