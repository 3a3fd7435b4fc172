import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Kysely, sql, type Transaction } from "kysely";
import { type Database, DatabaseError, type Tables } from "./database.ts";

/** Returns the statements of an SQL file, which lines of `-->` separate. Drivers take one statement at a time. */
export function statementsOf(text: string): readonly string[] {
  return text.split(/^-->$/m);
}

/**
 * Migrations from this one on only expand the schema, so that the release before runs and starts on it. That release
 * refuses a name in gateway_migration that it does not know. So these migrations have a table of their own.
 */
const FIRST_EXPANSION = "0009";

const TABLES = ["gateway_migration", "gateway_expansion"] as const;

type MigrationTable = (typeof TABLES)[number];

function tableOf(name: string): MigrationTable {
  return name < FIRST_EXPANSION ? "gateway_migration" : "gateway_expansion";
}

/** An advisory lock that no other program in the same database uses. */
const LOCK = sql.lit(7_263_548_190);

/**
 * Runs the migrations of `migrationsDir` (`NNNN_name.sql`) that the database lacks, in order, forward only. Replicas
 * may migrate at the same time: one runs the migrations while the others wait. If the schema is up to date, the
 * database user needs no right to change it.
 *
 * @returns the names of the migrations that it ran.
 * @throws DatabaseError that names the failed migration, which has changed nothing.
 * @throws DatabaseError if the database and the files disagree (see findNextMigration).
 */
export async function migrate(database: Database, migrationsDir: string): Promise<readonly string[]> {
  const files = await readMigrations(migrationsDir);
  if (findNextMigration(files, await readApplied(database.db)) === undefined) return [];
  return database.withoutTimeLimit(async (db) => {
    const done: string[] = [];
    // Each transaction reads the list again, because another replica may have run the next migration.
    for (;;) {
      const name = await db.transaction().execute((trx) => migrateOnce(trx, files));
      if (name === undefined) return done;
      done.push(name);
    }
  });
}

/** Returns the migrations of this release that the database lacks, for example after a restore. */
export async function missingMigrations(
  { reads }: Database,
  migrationsDir: string,
): Promise<readonly string[]> {
  const [files, applied] = await Promise.all([readMigrations(migrationsDir), readApplied(reads)]);
  return files.map(({ name }) => name).filter((name) => applied.every((each) => each.name !== name));
}

async function migrateOnce(
  trx: Transaction<Tables>,
  files: readonly MigrationFile[],
): Promise<string | undefined> {
  await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx);
  const applied = await readApplied(trx);
  const next = findNextMigration(files, applied);
  if (next === undefined) return undefined;
  // Other sessions queue behind a migration that waits for a table.
  await sql`set local lock_timeout = '10s'`.execute(trx);
  try {
    await prepareTables(trx, files, applied);
    for (const statement of statementsOf(next.text)) await sql.raw(statement).execute(trx);
    await sql`
      insert into ${sql.ref(tableOf(next.name))} (name, checksum)
      values (${next.name}, ${next.checksum})`.execute(trx);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = isForbidden(cause)
      ? `. This database user may not change the schema: let its owner run \`npm run migrate\` first (${RIGHTS}).`
      : "";
    throw new DatabaseError(`The migration ${next.name} failed: ${reason}${remedy}`, { cause });
  }
  return next.name;
}

/** The page about the rights. */
const RIGHTS = "docs/operators/database.md";

function isForbidden(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "42501";
}

/** Creates the tables. Adds the checksums that releases before 0003 did not record, from the files of the same names. */
async function prepareTables(
  trx: Transaction<Tables>,
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): Promise<void> {
  for (const table of TABLES) {
    await sql`
      create table if not exists ${sql.ref(table)} (
        name text primary key, applied_at timestamptz not null default now()
      )`.execute(trx);
    await sql`alter table ${sql.ref(table)} add column if not exists checksum text`.execute(trx);
  }
  for (const { name, checksum } of files) {
    if (!applied.some((each) => each.name === name && each.checksum === null)) continue;
    await sql`update gateway_migration set checksum = ${checksum} where name = ${name}`.execute(trx);
  }
}

/** @throws DatabaseError if the database user may not read the tables of migrations. */
async function readApplied(db: Kysely<Tables>): Promise<readonly AppliedMigration[]> {
  const applied: AppliedMigration[] = [];
  for (const table of TABLES) applied.push(...(await readTable(db, table)));
  return applied;
}

async function readTable(db: Kysely<Tables>, table: MigrationTable): Promise<readonly AppliedMigration[]> {
  const { rows: found } = await sql<{ exists: boolean }>`
    select to_regclass(${table}) is not null as exists`.execute(db);
  if (found[0]?.exists !== true) return [];
  // As JSON, because the table of an early release has no column `checksum` yet.
  const { rows } = await sql<{ name: string; checksum: string | null }>`
    select name, to_jsonb(m) ->> 'checksum' as checksum from ${sql.ref(table)} m order by name`
    .execute(db)
    .catch((cause: unknown) => {
      if (!isForbidden(cause)) throw cause;
      const message = `This database user may not read ${table}: give it its rights`;
      throw new DatabaseError(`${message} (${RIGHTS}).`, { cause });
    });
  return rows.map((row) => ({ ...row, table }));
}

/** A migration that the database has run. */
interface AppliedMigration {
  readonly table: MigrationTable;
  readonly name: string;
  /** Null if the release that ran it recorded none. */
  readonly checksum: string | null;
}

/**
 * Returns the next migration to run, or undefined. Ignores expansions of a later release.
 *
 * @throws DatabaseError if a later release changed the schema in another way, if a file of a migration that ran is
 *   missing or edited, or if a new file comes before one that ran.
 */
function findNextMigration(
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): MigrationFile | undefined {
  const newest = files.at(-1)?.name ?? "";
  const unknown = applied.filter(({ name }) => files.every((file) => file.name !== name));
  const later = unknown.filter(({ name, table }) => name > newest && table === "gateway_migration");
  if (later.length > 0) {
    throw new DatabaseError(
      `The database was migrated by a later release (${namesOf(later)}), which this one does not know. Start that release, or restore a copy from before.`,
    );
  }
  const gone = unknown.filter(({ name }) => name < newest);
  if (gone.length > 0) {
    throw new DatabaseError(
      `The database was migrated by files that are gone (${namesOf(gone)}). Restore these files unchanged. A migration cannot be removed after it was run.`,
    );
  }
  const edited = applied.filter(({ name, checksum }) =>
    files.some((file) => file.name === name && checksum !== null && file.checksum !== checksum),
  );
  if (edited.length > 0) {
    throw new DatabaseError(
      `A migration was edited after it was run on this database (${namesOf(edited)}). Put the file back as it was, and put the change into a new migration.`,
    );
  }
  const next = files.find(({ name }) => applied.every((each) => each.name !== name));
  const last = applied.at(-1)?.name;
  if (next !== undefined && last !== undefined && next.name < last) {
    throw new DatabaseError(
      `The migration ${next.name} was added before ${last}, which has been run on this database already. Give it a higher number.`,
    );
  }
  return next;
}

function namesOf(migrations: readonly AppliedMigration[]): string {
  return migrations.map(({ name }) => name).join(", ");
}

interface MigrationFile {
  /** `NNNN_name`. Migrations run in the order of their names. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text in hex. It ignores how lines end, which depends on the checkout. */
  readonly checksum: string;
}

/** Reads the migrations of a folder, in order. Ignores other files. */
export async function readMigrations(dir: string): Promise<readonly MigrationFile[]> {
  const files = (await readdir(dir)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = (await readFile(join(dir, file), "utf8")).replaceAll("\r\n", "\n");
      const checksum = createHash("sha256").update(text).digest("hex");
      return { name: file.replace(/\.sql$/, ""), text, checksum };
    }),
  );
}

/** The role and the schema of background jobs in the file of grants, in the syntax of psql's variables. */
const GRANT_VARIABLE = /:"(role|jobs)"/g;

/**
 * Gives a role the rights of the gateway's role, all or none. Giving them again changes nothing.
 *
 * @throws DatabaseError that names the role and the reason.
 */
export async function grantRights(database: Database, grantsFile: string, role: string): Promise<void> {
  const text = await readFile(grantsFile, "utf8");
  const values = { role, jobs: database.jobs.schema };
  const quoted = (name: keyof typeof values) => `"${values[name].replaceAll('"', '""')}"`;
  try {
    await database.withoutTimeLimit((db) =>
      db.transaction().execute(async (trx) => {
        for (const statement of statementsOf(text)) {
          await sql
            .raw(statement.replaceAll(GRANT_VARIABLE, (_, name) => quoted(name as keyof typeof values)))
            .execute(trx);
        }
      }),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseError(`The role ${role} did not get its rights: ${reason}.`, { cause });
  }
}
