import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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
      /** A PGlite database that has every migration. */
      readonly pgliteTemplateDir: string;
    };
  }
}

export const TEMPLATE_DATABASE = "template_gateway";

const MAKE_TEMPLATE = fileURLToPath(new URL("make-pglite-template.ts", import.meta.url));

/** Runs once before the tests of the project "database": one PostgreSQL, and a migrated template of each kind. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  const pgliteTemplateDir = join(postgres.scratchDir, "template");
  try {
    await Promise.all([
      makePostgresTemplate(postgres.url),
      promisify(execFile)(process.execPath, [MAKE_TEMPLATE, pgliteTemplateDir]),
    ]);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  project.provide("testDatabases", { postgresUrl: postgres.url, pgliteTemplateDir });
  return () => postgres.stop();
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
