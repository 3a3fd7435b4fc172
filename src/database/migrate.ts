import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Kysely, sql, type Transaction } from "kysely";
import { type Database, DatabaseError } from "./database.ts";
import type { Tables } from "./tables.ts";

/** What stands between two statements of a migration; drivers take one statement at a time. */
const SEPARATOR = /^-->\r?$/m;

/** Any number that no other program in the same database uses. */
const LOCK = sql.lit(7_263_548_190);

/**
 * Brings the schema up to date by the files of `migrationsDir` (`NNNN_name.sql`), in order, forward only. Replicas
 * may do so at once: one at a time goes on, and the others find nothing left to do. Where there is nothing to do it
 * needs no right to change the schema.
 *
 * @returns the names of the migrations that were run now.
 * @throws DatabaseError naming the migration that failed; the schema stays as it was before that one.
 * @throws DatabaseError where a later release has migrated the database already.
 */
export async function migrate(database: Database, migrationsDir: string): Promise<readonly string[]> {
  const files = (await readdir(migrationsDir)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort();
  const names = files.map((file) => file.replace(/\.sql$/, ""));
  if (nextOf(names, await appliedTo(database.db)) === undefined) return [];
  return database.unhurried(async (db) => {
    const done: string[] = [];
    // A transaction for each, and for each the question anew: another replica may have been quicker.
    for (;;) {
      const name = await db.transaction().execute((trx) => migrateOnce(trx, names, migrationsDir));
      if (name === undefined) return done;
      done.push(name);
    }
  });
}

async function migrateOnce(
  trx: Transaction<Tables>,
  names: readonly string[],
  migrationsDir: string,
): Promise<string | undefined> {
  await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx);
  const applied = await appliedTo(trx);
  const name = nextOf(names, applied);
  if (name === undefined) return undefined;
  // Whoever waits for a table keeps everybody waiting who comes later.
  await sql`set local lock_timeout = '10s'`.execute(trx);
  try {
    if (applied.length === 0) {
      await sql`
        create table if not exists gateway_migration (
          name text primary key, applied_at timestamptz not null default now()
        )`.execute(trx);
    }
    const text = await readFile(join(migrationsDir, `${name}.sql`), "utf8");
    for (const statement of text.split(SEPARATOR)) await sql.raw(statement).execute(trx);
    await sql`insert into gateway_migration (name) values (${name})`.execute(trx);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseError(`The migration ${name} failed: ${reason}`, { cause });
  }
  return name;
}

async function appliedTo(db: Kysely<Tables>): Promise<readonly string[]> {
  const { rows: found } = await sql<{ exists: boolean }>`
    select to_regclass('gateway_migration') is not null as exists`.execute(db);
  if (found[0]?.exists !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from gateway_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** The first migration that is to be run, or undefined where there is none. */
function nextOf(names: readonly string[], applied: readonly string[]): string | undefined {
  const unknown = applied.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new DatabaseError(
      `The database was migrated by a later release (${unknown.join(", ")}), which this one does not know. Start that release, or restore a copy from before.`,
    );
  }
  return names.find((name) => !applied.includes(name));
}
