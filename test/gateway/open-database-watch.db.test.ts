import { sql } from "kysely";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { watchDatabase } from "../../src/gateway/open-database.ts";
import { SharedWindows } from "../../src/quota/shared-quota.ts";
import { Health } from "../../src/telemetry/health.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { whenOver } from "../support/when-over.ts";

async function watch() {
  const database = await openTestDatabase("postgres");
  const clock = new FakeClock();
  const health = new Health(clock);
  health.serve();
  // Only the poller's time is a test's. Statements take real time.
  const windows = new SharedWindows({ database, clock: systemClock, replica: "a" });
  const closers = new AsyncDisposableStack();
  whenOver(() => closers.disposeAsync());
  await watchDatabase({ clock, telemetry: { health }, closers }, database, windows);
  /** Resolves when the status after a check is this one. */
  const becomes = async (status: string): Promise<void> => {
    await vi.waitFor(async () => {
      await clock.advance(10_000);
      expect(health.read().status).toBe(status);
    }, 20_000);
  };
  return { database, health, becomes };
}

test("a restore of a copy from before a migration makes the replica unfit, and the migration makes it ready", async () => {
  const { database, health, becomes } = await watch();
  expect(health.read().status).toBe("ready");
  const { rows } = await sql<{ name: string; checksum: string }>`
    delete from gateway_migration where name = (select max(name) from gateway_migration) returning *`.execute(
    database.db,
  );
  await becomes("unfit");
  expect(health.read().parts).toContainEqual(
    expect.objectContaining({
      part: "schema",
      problem: `The database lacks ${rows[0]?.name}. Run the migrations, or restore a newer copy.`,
    }),
  );
  await sql`insert into gateway_migration (name, checksum) values (${rows[0]?.name}, ${rows[0]?.checksum})`.execute(
    database.db,
  );
  await becomes("ready");
});

test("a database without the gateway's functions makes the replica unfit", async () => {
  const { database, becomes } = await watch();
  await sql`drop function probe_window`.execute(database.db);
  await becomes("unfit");
});
