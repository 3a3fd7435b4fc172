import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { type Database, DatabaseError } from "./database.ts";
import type { Tables } from "./tables.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Told of connections that broke while idle; the pool replaces them. */
  readonly onIdleError?: (error: Error) => void;
}

/** A replica's calls to CAM are at most 20 a second, each with a few short statements around it. */
const MAX_CONNECTIONS = 10;

/** Short enough that a change is refused in time when the database is gone. */
const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 5_000;

/** 15 is the oldest release that the tests run on. */
const OLDEST_MAJOR = 15;

/** Connects to PostgreSQL. @throws DatabaseError where it cannot be reached or is too old. */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
    keepAlive: true,
    application_name: "cam-mfa-gateway",
  });
  // Without a listener, a connection that the server ends while idle would end the process.
  pool.on("error", (error) => options.onIdleError?.(error));
  await checkVersion(pool).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return { kind: "postgres", db, close: () => db.destroy() };
}

async function checkVersion(pool: pg.Pool): Promise<void> {
  let version: number;
  try {
    const { rows } = await pool.query<{ server_version_num: string }>("show server_version_num");
    version = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  } catch (cause) {
    const { code, message } = cause as Error & { code?: string };
    throw new DatabaseError(`The database at DATABASE_URL cannot be reached (${code ?? message}).`, {
      cause,
    });
  }
  if (version >= OLDEST_MAJOR) return;
  throw new DatabaseError(
    `The database at DATABASE_URL is PostgreSQL ${version}; the gateway needs ${OLDEST_MAJOR} or later.`,
  );
}
