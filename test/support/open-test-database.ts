import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { openPglite } from "../../src/database/pglite-database.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { PGLITE_TEMPLATE_DIR } from "../../src/gateway/package-paths.ts";
import { TEMPLATE_DATABASE } from "./database-setup.ts";
import { whenOver } from "./when-over.ts";

/**
 * A database of its own with every migration and nothing else in it, closed when the test is over, or the file
 * where it was opened outside a test. PostgreSQL takes some 50 ms; PGlite a second and 130 MB, so one for a file
 * is better than one for a test. Only files called `*.db.test.ts` can use it.
 */
export async function openTestDatabase(kind: Database["kind"]): Promise<Database> {
  return kind === "postgres"
    ? openTestPostgres(await createTestPostgres())
    : openTestPglite(inject("testDatabases").pgliteTemplateDir);
}

/** A database of its own with nothing in it at all. */
export async function openEmptyDatabase(kind: Database["kind"]): Promise<Database> {
  return kind === "postgres"
    ? openTestPostgres(await createTestPostgres({ empty: true }))
    : openTestPglite(PGLITE_TEMPLATE_DIR);
}

/** The URL of a new database on the run's PostgreSQL: migrated, or empty. Dropped when the test, or the file, is over. */
export async function createTestPostgres(options: { empty?: boolean } = {}): Promise<string> {
  const url = new URL(inject("testDatabases").postgresUrl);
  const name = `test_${randomBytes(8).toString("hex")}`;
  url.pathname = name;
  await onCluster(`create database ${name} template ${options.empty ? "template0" : TEMPLATE_DATABASE}`);
  // Eight megabytes each, of which a run makes hundreds. Whoever is still connected has had its time.
  whenOver(() => onCluster(`drop database ${name} with (force)`));
  return url.href;
}

/** Another replica's connection to a database of `createTestPostgres`. */
export async function openTestPostgres(url: string): Promise<Database> {
  const database = await openPostgres({ url });
  whenOver(() => database.close());
  return database;
}

/** A folder for data that is removed when the test, or the file, is over. */
export async function createDataDir(): Promise<string> {
  const scratchDir = dirname(inject("testDatabases").pgliteTemplateDir);
  const dir = await mkdtemp(join(scratchDir, "data-"));
  whenOver(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function onCluster(statement: string): Promise<void> {
  const client = new pg.Client(inject("testDatabases").postgresUrl);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function openTestPglite(templateDir: string): Promise<Database> {
  const database = await openPglite({ dataDir: await createDataDir(), templateDir });
  whenOver(() => database.close());
  return database;
}
