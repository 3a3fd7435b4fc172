import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import pg from "pg";
import { inject } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { openPglite } from "../../src/database/pglite-database.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { PGLITE_TEMPLATE_DIR } from "../../src/gateway/package-paths.ts";
import { TEMPLATE_DATABASE } from "./database-setup.ts";
import { whenFileIsOver, whenOver } from "./when-over.ts";

/**
 * Opens a new database with all migrations and no data. Closes it after the test, or after the file if opened outside a
 * test. PostgreSQL takes about 50 ms; PGlite takes a second and 130 MB, so share it in a file. Only `*.db.test.ts` files
 * can use it.
 */
export async function openTestDatabase(kind: Database["kind"]): Promise<Database> {
  return kind === "postgres" ? openTestPostgres(await createTestPostgres()) : openTestPglite();
}

/** Opens a new empty database. */
export async function openEmptyDatabase(kind: Database["kind"]): Promise<Database> {
  if (kind === "postgres") return openTestPostgres(await createTestPostgres({ empty: true }));
  const database = await openTestPglite();
  await sql`drop schema public cascade`.execute(database.db);
  await sql`create schema public`.execute(database.db);
  return database;
}

/** Returns the URL of a new database on the run's PostgreSQL, migrated or empty. It is dropped after the test or the file. */
export function createTestPostgres(options: { empty?: boolean } = {}): Promise<string> {
  return createFrom(options.empty ? "template0" : TEMPLATE_DATABASE);
}

/** Returns the URL of a copy of a database of `createTestPostgres`, which must have no connections, as a restored dump is. */
export function copyTestPostgres(url: string): Promise<string> {
  return createFrom(new URL(url).pathname.slice(1));
}

async function createFrom(template: string): Promise<string> {
  const url = new URL(inject("testDatabases").postgresUrl);
  const name = `test_${randomBytes(8).toString("hex")}`;
  url.pathname = name;
  // Copies files. The default strategy writes each page to the write-ahead log, which costs three times as much.
  await onCluster(`create database ${name} template ${template} strategy file_copy`);
  // A run creates hundreds of databases of eight megabytes each, so drop it in spite of open connections.
  whenOver(() => onCluster(`drop database ${name} with (force)`));
  return url.href;
}

/** Opens another replica's connection to a database of `createTestPostgres`. */
export async function openTestPostgres(url: string): Promise<Database> {
  const database = await openPostgres({ url });
  whenOver(() => database.close());
  return database;
}

/** Creates a data folder, which is removed after the test or the file. */
export async function createDataDir(): Promise<string> {
  const dir = await mkdtemp(join(inject("testDatabases").scratchDir, "data-"));
  whenOver(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** The connection of this file's statements about databases. Opening one takes as long as dropping a database. */
let cluster: Promise<pg.Client> | undefined;

async function onCluster(statement: string): Promise<void> {
  cluster ??= connectToCluster();
  await (await cluster).query(statement);
}

async function connectToCluster(): Promise<pg.Client> {
  const client = new pg.Client(inject("testDatabases").postgresUrl);
  whenFileIsOver(async () => {
    cluster = undefined;
    await client.end();
  });
  await client.connect();
  return client;
}

async function openTestPglite(): Promise<Database> {
  const database = await openPglite({ dataDir: await createDataDir(), templateDir: PGLITE_TEMPLATE_DIR });
  whenOver(() => database.close());
  return database;
}
