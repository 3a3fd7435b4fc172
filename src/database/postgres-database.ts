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

/** The oldest release that PostgreSQL still maintains. */
const OLDEST_MAJOR = 15;

/**
 * Connects to PostgreSQL. No message of an error has the password in it.
 * @throws DatabaseError where it cannot be reached, is too old, or does not keep its text in UTF-8.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  checkUrl(options.url);
  const pool = createPool(options, {
    max: MAX_CONNECTIONS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // For a server that is gone without a word; one that still answers has given the statement up by then.
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
  });
  await checkServer(pool).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  const db = createDb(pool);
  let closed: Promise<void> | undefined;
  return {
    kind: "postgres",
    db,
    unhurried: async (work) => {
      const ownPool = createPool(options, { max: 1 });
      const ownDb = createDb(ownPool);
      try {
        return await work(ownDb);
      } finally {
        await close(ownDb, ownPool);
      }
    },
    close: () => {
      closed ??= close(db, pool);
      return closed;
    },
  };
}

/** Kysely leaves a pool open that it was never asked to use. */
async function close(db: Kysely<Tables>, pool: pg.Pool): Promise<void> {
  await db.destroy();
  if (!pool.ending) await pool.end();
}

function createPool({ url, onIdleError }: PostgresOptions, config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: "cam-mfa-gateway",
    ...config,
  });
  // Without a listener, a connection that the server ends would end the process: the pool listens while a
  // connection is idle, and nobody while it is in use, where the statement under way tells of the error as well.
  pool.on("error", (error) => onIdleError?.(error));
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

function createDb(pool: pg.Pool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** The driver's own complaint would carry the whole text, and the password with it. @throws DatabaseError */
export function checkUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(ql)?:$/.test(parsed.protocol) || parsed.pathname.length < 2) {
    throw new DatabaseError(
      "DATABASE_URL must look like postgres://user:password@host:5432/database. Percent-encode what is special in the password.",
    );
  }
}

async function checkServer(pool: pg.Pool): Promise<void> {
  const { version, encoding } = await askServer(pool);
  const major = Math.floor(Number(version) / 10_000);
  if (major < OLDEST_MAJOR) {
    throw new DatabaseError(
      `The database at DATABASE_URL is PostgreSQL ${major}; the gateway needs ${OLDEST_MAJOR} or later.`,
    );
  }
  if (encoding !== "UTF8") {
    throw new DatabaseError(
      `The database at DATABASE_URL keeps its text in ${encoding}; the gateway needs one made with encoding UTF8.`,
    );
  }
}

async function askServer(pool: pg.Pool): Promise<{ version: string; encoding: string }> {
  try {
    const { rows } = await pool.query<{ version: string; encoding: string }>(
      "select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding",
    );
    if (rows[0] === undefined) throw new Error("no answer");
    return rows[0];
  } catch (cause) {
    throw new DatabaseError(`The database at DATABASE_URL cannot be used: ${explain(cause)}.`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "its host is not known",
  EAI_AGAIN: "its host is not known just now",
  ETIMEDOUT: "it does not answer",
  "28P01": "it does not take this user and password",
  "28000": "it does not let this user in",
  "3D000": "there is no such database on that server",
  "53300": "it takes no more connections",
  "57P03": "it is starting up or shutting down",
};

function explain(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  const reason = code === undefined ? undefined : REASONS[code];
  return reason === undefined ? (code ?? message) : `${reason} (${code})`;
}
