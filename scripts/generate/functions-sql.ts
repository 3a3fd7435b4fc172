import { PGlite } from "@electric-sql/pglite";
import { readMigrations } from "../../src/database/migrate.ts";
import { compileQuickly } from "../../src/database/pglite-database.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { GENERATED_NOTICE } from "./format.ts";

const HEADER = `-- ${GENERATED_NOTICE}
-- The functions of the gateway's database after all migrations, to read. The gateway runs the migrations and not this file.
`;

interface DatabaseFunction {
  readonly name: string;
  readonly definition: string;
}

/** Returns the current text of each SQL function, with the migration that wrote it and its comment there. */
export async function renderFunctionsSql(): Promise<string> {
  compileQuickly();
  const migrations = await readMigrations(MIGRATIONS_DIR);
  const database = await PGlite.create();
  try {
    for (const { text } of migrations) await database.exec(text);
    const { rows } = await database.query<DatabaseFunction>(`
      select p.proname as name, pg_get_functiondef(p.oid) as definition from pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' order by name, p.oid::regprocedure::text`);
    const parts = rows.map(({ name, definition }) => `${sourceOf(name, migrations)}${definition.trim()};\n`);
    return [HEADER, ...parts].join("\n");
  } finally {
    await database.close();
  }
}

/** Returns the place of the newest text of a function, and the comment above it. */
function sourceOf(name: string, migrations: Awaited<ReturnType<typeof readMigrations>>): string {
  const begins = new RegExp(`((?:^--.*\\n)*)^create (?:or replace )?function ${name}\\(`, "m");
  for (const { name: migration, text } of migrations.toReversed()) {
    const comment = begins.exec(text)?.[1];
    if (comment !== undefined)
      return `-- schema/migrations/${migration}.sql\n${comment.replaceAll(/^-->\n/gm, "")}`;
  }
  return "-- Renamed by a migration.\n";
}
