import type { Logger } from "kysely";
import pg from "pg";
import { type Database, DatabaseError } from "./database.ts";
import { DatabaseAddress, type UrlSource } from "./database-address.ts";
import { openJobStore, openQueryPool, type QueryPoolOptions, WritableSessions } from "./postgres-pool.ts";
import { openingOf, type ServerFacts, type TransactionLimits } from "./session-settings.ts";
import { explainStoreError } from "./store-errors.ts";

/** The number of connections of each pool. */
interface ConnectionShares {
  readonly changes: number;
  readonly quota: number;
  readonly reads: number;
}

const DEFAULT_CONNECTIONS = 10;

/**
 * Divides connections: a fifth for the quota, half of the rest for reads, and the rest for changes, at least one each.
 * Of ten connections, changes have 4, the quota 2 and reads 4.
 */
export function shareConnections(total: number): ConnectionShares {
  const quota = Math.max(1, Math.floor(total / 5));
  const reads = Math.floor((total - quota) / 2);
  return { changes: total - quota - reads, quota, reads };
}

interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, or a function that reads it for each new connection. */
  readonly url: UrlSource;
  /** The limit on connections, for all pools together. */
  readonly maxConnections?: number | undefined;
  /** Called when an idle connection breaks. The pool replaces it. */
  readonly onIdleError?: (error: Error) => void;
  /** Receives each statement. */
  readonly onStatement?: Logger | undefined;
}

/** Short enough to refuse a change in time while the database is unavailable. */
const CONNECT_TIMEOUT_MS = 3_000;

/** The driver's extra wait for a server that may have vanished. A live server ends the statement earlier. */
const ANSWER_GRACE_MS = 1_000;

const POOL_LIMITS: Readonly<
  Record<keyof ConnectionShares, TransactionLimits & { readonly connectMs: number }>
> = {
  changes: {
    connectMs: CONNECT_TIMEOUT_MS,
    statementMs: 5_000,
    lockMs: 5_000,
    idleMs: 10_000,
    readOnly: false,
  },
  // A slot that arrives later is useless (src/quota/store-health.ts).
  quota: { connectMs: CONNECT_TIMEOUT_MS, statementMs: 1_000, lockMs: 500, idleMs: 10_000, readOnly: false },
  reads: { connectMs: 2_000, statementMs: 2_000, lockMs: 2_000, idleMs: 10_000, readOnly: true },
};

/** Background jobs need few connections, and only while they run statements. */
const JOBS = { max: 2, connectMs: CONNECT_TIMEOUT_MS, answerMs: 30_000 };

const NO_LIMITS: TransactionLimits = { statementMs: 0, lockMs: 0, idleMs: 0, readOnly: false };

/** The oldest release that PostgreSQL still maintains. */
const OLDEST_MAJOR = 15;

/**
 * Connects to PostgreSQL, or to a pooler in front of it. A session keeps no state between units of work. No error
 * message contains the password.
 *
 * @throws DatabaseError if the server cannot be reached, is too old, or does not store UTF-8.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const address = await DatabaseAddress.read(options.url);
  const facts = await checkServer(address);
  const writable = new WritableSessions();
  const onIdleError = (error: Error): void => options.onIdleError?.(error);
  const { onStatement } = options;
  const openPool = (
    limits: TransactionLimits,
    rest: Pick<QueryPoolOptions, "max" | "connectMs" | "answerMs">,
  ) =>
    openQueryPool({
      ...{ address, onIdleError, onStatement, ...rest },
      opening: openingOf(facts, limits),
      writable: limits.readOnly ? undefined : writable,
    });
  const shares = shareConnections(options.maxConnections ?? DEFAULT_CONNECTIONS);
  const share = (pool: keyof ConnectionShares) => {
    const { connectMs, ...limits } = POOL_LIMITS[pool];
    return openPool(limits, { max: shares[pool], connectMs, answerMs: limits.statementMs + ANSWER_GRACE_MS });
  };
  const [changes, quota, reads] = [share("changes"), share("quota"), share("reads")];
  const jobs = openJobStore({ ...JOBS, address, onIdleError }, `${facts.schema}_jobs`);
  const pools = { changes, quota, reads };
  let closed: Promise<void> | undefined;
  return {
    kind: "postgres",
    db: changes.db,
    quota: quota.db,
    reads: reads.db,
    jobs,
    withoutTimeLimit: async (work) => {
      const own = openPool(NO_LIMITS, { max: 1, connectMs: CONNECT_TIMEOUT_MS, answerMs: undefined });
      try {
        return await work(own.db);
      } finally {
        await own.close();
      }
    },
    pools: () => Object.entries(pools).map(([name, pool]) => ({ name, ...pool.connections() })),
    close: () => {
      closed ??= Promise.all([changes, quota, reads, jobs].map((pool) => pool.close())).then(() => undefined);
      return closed;
    },
  };
}

async function checkServer(address: DatabaseAddress): Promise<ServerFacts> {
  const { version, encoding, schema, synchronousCommit, triggers } = await askServer(address);
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
  if (schema === null) {
    throw new DatabaseError(
      "The database user of DATABASE_URL has no schema to work in. Check the search_path of the role and the database, and the user's right to use the schema.",
    );
  }
  if (triggers !== "origin") {
    throw new DatabaseError(
      `The role or the database sets session_replication_role to ${triggers}, which turns off the protection of the record. Reset it.`,
    );
  }
  return { version: Number(version), schema, synchronousCommit };
}

interface ServerAnswer {
  readonly version: string;
  readonly encoding: string;
  readonly schema: string | null;
  readonly synchronousCommit: string;
  readonly triggers: string;
}

/** The schema is that of the tables, or the one in which `create table` would create them. */
const QUESTION = `
  begin isolation level read committed read only; set local statement_timeout = 5000; set local lock_timeout = 5000;
  select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding,
    coalesce(
      (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.oid = to_regclass('gateway_migration')),
      nullif(current_schema(), 'pg_catalog'),
      (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.oid = to_regclass('public.gateway_migration') and current_setting('search_path') in ('', '""'))
    ) as schema,
    current_setting('synchronous_commit') as "synchronousCommit",
    current_setting('session_replication_role') as triggers;
  commit`;

async function askServer(address: DatabaseAddress): Promise<ServerAnswer> {
  const client = new pg.Client({
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS * 2,
    application_name: "cam-mfa-gateway",
    ...address.config,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const results = await client.query(QUESTION);
    const [row] = [results].flat().flatMap(({ rows }) => rows as ServerAnswer[]);
    if (row === undefined) throw new Error("no answer");
    return row;
  } catch (cause) {
    throw new DatabaseError(
      `The database at DATABASE_URL cannot be used: ${explainStoreError(cause, address)}.`,
      { cause },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
