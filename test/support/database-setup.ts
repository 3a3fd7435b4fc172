import pg from "pg";
import type { TestProject } from "vitest/node";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { migrateJobs } from "../../src/jobs/job-queue.ts";
import { startPostgres } from "./start-postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** What `openTestDatabase` makes databases from. */
    testDatabases: {
      /** Of the cluster; a database `template_gateway` in it has every migration. */
      readonly postgresUrl: string;
      /** A folder for data folders. */
      readonly scratchDir: string;
    };
  }
}

export const TEMPLATE_DATABASE = "template_gateway";

/**
 * Runs once before the tests of the project "integration": starts one PostgreSQL with a migrated template. A database that
 * is still there after the tests fails the run, because its gateway has taken connections and time from later files.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  try {
    await makePostgresTemplate(postgres.url);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  project.provide("testDatabases", { postgresUrl: postgres.url, scratchDir: postgres.scratchDir });
  return async () => {
    const left = await databasesLeft(postgres.url).finally(() => postgres.stop());
    if (left === 0) return;
    process.exitCode = 1;
    throw new Error(`${left} databases of tests were not dropped.`);
  };
}

async function databasesLeft(clusterUrl: string): Promise<number> {
  const client = new pg.Client(clusterUrl);
  await client.connect();
  try {
    const { rows } = await client.query("select from pg_database where datname like 'test\\_%'");
    return rows.length;
  } finally {
    await client.end();
  }
}

async function makePostgresTemplate(clusterUrl: string): Promise<void> {
  const client = new pg.Client(clusterUrl);
  await client.connect();
  await client.query(`create database ${TEMPLATE_DATABASE}`);
  await client.end();
  const url = new URL(clusterUrl);
  url.pathname = TEMPLATE_DATABASE;
  const database = await openPostgres({ url: url.href });
  await migrate(database, MIGRATIONS_DIR);
  await migrateJobs(database.jobs);
  await database.close();
}
