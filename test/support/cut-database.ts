import pg from "pg";
import { inject } from "vitest";

/** Closes all connections to a test database and refuses new ones, as during an outage. Returns a function that restores it. */
export async function cutDatabase(url: string): Promise<() => Promise<void>> {
  const name = new URL(url).pathname.slice(1);
  await asAdministrator(
    `alter database ${name} with allow_connections false`,
    `select pg_terminate_backend(pid, 30000) from pg_stat_activity where datname = '${name}'`,
  );
  return async () => {
    await asAdministrator(`alter database ${name} with allow_connections true`);
  };
}

/** Returns whether a connection to a test database runs, or last ran, a statement with this beginning. */
export async function hasJustRun(url: string, beginning: string): Promise<boolean> {
  const name = new URL(url).pathname.slice(1);
  const rows = await asAdministrator(
    `select from pg_stat_activity where datname = '${name}' and query like '${beginning}%'`,
  );
  return rows.length > 0;
}

/** Runs the statements and returns the rows of the last. */
async function asAdministrator(...statements: readonly string[]): Promise<readonly unknown[]> {
  const client = new pg.Client(inject("testDatabases").postgresUrl);
  await client.connect();
  let rows: readonly unknown[] = [];
  for (const statement of statements) ({ rows } = await client.query(statement));
  await client.end();
  return rows;
}
