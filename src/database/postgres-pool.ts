import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type Logger,
  PostgresDialect,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import pg from "pg";
import type { JobStore, PoolState, Tables } from "./database.ts";
import type { DatabaseAddress } from "./database-address.ts";
import { PreparedStatements, type TransactionOpening } from "./session-settings.ts";
import { isLostConnection } from "./store-errors.ts";

export interface QueryPoolOptions {
  readonly address: DatabaseAddress;
  readonly max: number;
  /** How long a unit of work waits for a connection. */
  readonly connectMs: number;
  /** How long the driver waits for the answer of a server that has vanished; undefined for no limit. */
  readonly answerMs: number | undefined;
  readonly opening: TransactionOpening;
  /** Shared by all pools that write; undefined for a pool that only reads. */
  readonly writable: WritableSessions | undefined;
  readonly onIdleError: (error: Error) => void;
  /** Receives each statement. */
  readonly onStatement: Logger | undefined;
}

/** A pool of connections for one kind of work, so that other work cannot use up its connections. */
interface QueryPool {
  readonly db: Kysely<Tables>;
  connections(): Omit<PoolState, "name">;
  close(): Promise<void>;
}

export function openQueryPool(options: QueryPoolOptions): QueryPool {
  const pool = createPool(options);
  const dialect = new PostgresDialect({ pool });
  dialect.createDriver = () => new QueryPoolDriver(pool, options);
  const { onStatement } = options;
  const db = new Kysely<Tables>({ dialect, ...(onStatement && { log: onStatement }) });
  return {
    db,
    connections: () => {
      const { idleCount: idle, totalCount, waitingCount: pending } = pool;
      return { idle, used: totalCount - idle, pending };
    },
    close: async () => {
      await db.destroy();
      // Kysely does not close a pool that it has not used.
      if (!pool.ending) await pool.end();
    },
  };
}

type PoolOptions = Omit<QueryPoolOptions, "opening" | "writable" | "onStatement"> &
  Partial<Pick<QueryPoolOptions, "writable">>;

/** Opens a pool for the job queue. It opens no connection before the first statement. */
export function openJobStore(options: PoolOptions, schema: string): JobStore & Pick<QueryPool, "close"> {
  const pool = createPool(options);
  return {
    ...{ kind: "postgres", schema },
    executeSql: async (text, values) => {
      await options.address.refresh();
      // Several statements have several results, of which at most one has rows.
      const results: readonly pg.QueryResult<object>[] = [await pool.query<object>(text, values)].flat();
      return { rows: results.flatMap(({ rows }) => rows ?? []) };
    },
    close: () => pool.end(),
  };
}

function createPool({ address, max, connectMs, answerMs, writable, onIdleError }: PoolOptions): pg.Pool {
  class AddressedClient extends pg.Client {
    constructor(config: pg.ClientConfig) {
      super({ ...config, ...address.config });
    }
  }
  const pool = new pg.Pool({
    max,
    connectionTimeoutMillis: connectMs,
    ...(answerMs === undefined ? {} : { query_timeout: answerMs }),
    keepAlive: true,
    application_name: "cam-mfa-gateway",
    // Sends the statements of a unit of work together, so that its begin and commit cost no round trips.
    pipeline: true,
    Client: AddressedClient as unknown as new () => pg.ClientBase,
  });
  // Without a listener, a connection that the server ends would end the process. The pool listens to idle connections
  // only. While a connection is in use, its statement reports the error.
  pool.on("error", onIdleError);
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
    writable?.add(client);
  });
  return pool;
}

/**
 * Runs each statement or transaction as a unit of work with the settings of the pool. A session of the gateway's own has
 * them from its start. Behind a pooler, which may give each unit another session, each unit sets them for itself.
 */
class QueryPoolDriver implements Driver {
  readonly #pool: pg.Pool;
  readonly #options: QueryPoolOptions;
  readonly #sessions = new WeakMap<pg.PoolClient, PooledSession>();

  constructor(pool: pg.Pool, options: QueryPoolOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PooledConnection> {
    const { writable } = this.#options;
    for (;;) {
      const client = await this.#connect();
      if (writable?.has(client) === false) {
        client.release(true);
        continue;
      }
      return new PooledConnection(client, this.#sessions.get(client) ?? (await this.#openSession(client)));
    }
  }

  /** Sets the session of a new client, unless a pooler provides it. */
  async #openSession(client: pg.PoolClient): Promise<PooledSession> {
    const { opening, writable } = this.#options;
    try {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      // A pooler identifies itself to the client, and not one of its sessions, as the process of the server.
      const isOwn = rows[0]?.pid === (client as { readonly processID?: number | null }).processID;
      if (isOwn) await client.query(opening.session);
      const prepared = isOwn && writable !== undefined ? new PreparedStatements() : undefined;
      const session = { opening, writable, isOwn, prepared };
      this.#sessions.set(client, session);
      return session;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    const opensOne = this.#pool.idleCount === 0 && this.#pool.totalCount < this.#options.max;
    const unread = opensOne ? await this.#options.address.refresh() : undefined;
    return this.#pool.connect().catch((error: unknown) => {
      // The error about the unreadable address explains the failure better than this one.
      throw unread ?? error;
    });
  }

  beginTransaction(connection: PooledConnection, unit: TransactionSettings): Promise<void> {
    return connection.begin(unit);
  }

  commitTransaction(connection: PooledConnection): Promise<void> {
    return connection.end("commit");
  }

  rollbackTransaction(connection: PooledConnection): Promise<void> {
    return connection.end("rollback");
  }

  async releaseConnection(connection: PooledConnection): Promise<void> {
    connection.release();
  }

  destroy(): Promise<void> {
    return this.#pool.end();
  }
}

interface PooledSession extends Pick<QueryPoolOptions, "opening" | "writable"> {
  /** False behind a pooler, where each unit of work may have another session. */
  readonly isOwn: boolean;
  /** Undefined for reads: the plan of one filter may be a bad plan for another. */
  readonly prepared: PreparedStatements | undefined;
}

class PooledConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #session: PooledSession;
  #inTransaction = false;
  #isSpent = false;

  constructor(client: pg.PoolClient, session: PooledSession) {
    this.#client = client;
    this.#session = session;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const result = await this.#watch(this.#run<Row & object>(sql, [...parameters]));
    const { command, rowCount, rows } = result;
    const isWrite = ["INSERT", "UPDATE", "DELETE", "MERGE"].includes(command);
    return { rows, ...(isWrite ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
  }

  async begin(unit: TransactionSettings): Promise<void> {
    const { opening, isOwn } = this.#session;
    await this.#watch(this.#client.query(isOwn ? opening.begin(unit) : opening.beginPooled(unit)));
    this.#inTransaction = true;
  }

  async end(how: "commit" | "rollback"): Promise<void> {
    this.#inTransaction = false;
    const { command } = await this.#watch(this.#client.query(how));
    if (how === "commit") requireCommitted(command);
  }

  release(): void {
    // The next unit of work must not continue an unfinished transaction.
    this.#client.release(this.#isSpent || this.#inTransaction);
  }

  // biome-ignore lint/correctness/useYield: it yields nothing
  async *streamQuery(): AsyncGenerator<never> {
    throw new Error("Streaming is not supported: its cursor would outlive a unit of work.");
  }

  async #run<Row extends object>(sql: string, values: unknown[]): Promise<pg.QueryResult<Row>> {
    const { isOwn, prepared } = this.#session;
    if (!isOwn && !this.#inTransaction) return this.#runPooled<Row>(sql, values);
    const name = this.#inTransaction ? undefined : prepared?.nameOf(sql);
    if (name === undefined) return this.#client.query<Row>(sql, values);
    return this.#client.query<Row>({ name, text: sql, values }).catch((error: unknown) => {
      if ((error as { readonly code?: string }).code !== "0A000") throw error;
      // A migration changed the columns of the result, and the server has run nothing.
      prepared?.forget(sql);
      return this.#client.query<Row>(sql, values);
    });
  }

  /** Sends begin, statement and commit together. If one fails, the server skips the others and `commit` rolls back. */
  async #runPooled<Row extends object>(sql: string, values: unknown[]): Promise<pg.QueryResult<Row>> {
    const [opened, ran, closed] = await Promise.allSettled([
      this.#client.query(this.#session.opening.beginPooled()),
      this.#client.query<Row>(sql, values),
      this.#client.query("commit"),
    ]);
    for (const outcome of [opened, ran, closed]) if (outcome.status === "rejected") throw outcome.reason;
    requireCommitted((closed as PromiseFulfilledResult<pg.QueryResult>).value.command);
    return (ran as PromiseFulfilledResult<pg.QueryResult<Row>>).value;
  }

  /** Marks the session as spent after errors that make it unusable. */
  #watch<Result>(work: Promise<Result>): Promise<Result> {
    return work.catch((error: unknown) => {
      const { code } = error as { readonly code?: string };
      this.#isSpent ||= isLostConnection(error) || WritableSessions.isReadOnly(code) || code === "42501";
      if (WritableSessions.isReadOnly(code)) this.#session.writable?.expire();
      throw error;
    });
  }
}

function requireCommitted(command: string): void {
  if (command !== "COMMIT") throw new Error("The transaction was rolled back and not committed.");
}

/**
 * The sessions that were opened after the gateway last found a read-only session. After a failover, or a change of the
 * role, old sessions stay read-only and new ones reach the primary.
 */
export class WritableSessions {
  #sessions = new WeakSet<object>();

  /**
   * Returns whether a SQLSTATE means that the session refuses writes, because it is read-only or on a standby.
   */
  static isReadOnly(code: string | undefined): boolean {
    return code === "25006" || code === "0A000";
  }

  add(session: object): void {
    this.#sessions.add(session);
  }

  has(session: object): boolean {
    return this.#sessions.has(session);
  }

  /** Excludes all sessions that are open now from further use. */
  expire(): void {
    this.#sessions = new WeakSet();
  }
}
