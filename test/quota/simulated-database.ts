import { Kysely, PostgresDialect, type PostgresPool, sql } from "kysely";
import pg from "pg";
import { onTestFinished } from "vitest";
import type { Database, Tables } from "../../src/database/database.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { ASK_THE_FAKE_CLOCK } from "./fake-database-time.ts";
import type { SimulatedTime } from "./simulated-time.ts";

/** By the clock that only the database uses. */
const DATABASE_START_MS = Date.UTC(2026, 10, 24, 12);

export interface SimulatedDatabase {
  /** The connections of a replica. The delay applies to each statement, once for each way. */
  connect(wayMs: () => number): Database;
  /** Statements so far. */
  readonly statements: number;
  /** If true, every statement fails. */
  away: boolean;
  /** The number of next statements that fail. */
  failures: number;
  /** If true, statements name a missing table. */
  mistake: boolean;
}

/** A real PostgreSQL whose clock is simulated. */
export async function openSimulatedDatabase(time: SimulatedTime): Promise<SimulatedDatabase> {
  const url = new URL(await createTestPostgres());
  const { db } = await openTestPostgres(url.href);
  await sql`create schema fake`.execute(db);
  await sql`create function fake.clock_timestamp() returns timestamptz language sql volatile
    as 'select to_timestamp(current_setting(''fake.now_ms'')::float8 / 1000)'`.execute(db);
  await sql.raw(ASK_THE_FAKE_CLOCK).execute(db);
  const pool = new pg.Pool({ connectionString: url.href, max: 1 });
  // The database is dropped when the pool has ended, which its connection need not have.
  pool.on("error", () => undefined);
  const connection = await pool.connect();
  onTestFinished(async () => {
    connection.release();
    await pool.end();
  });
  const state = { statements: 0, away: false, failures: 0, mistake: false };

  /** All replicas share one real connection: the arrival of a statement decides what it reads. */
  async function query(text: string, parameters: readonly unknown[]) {
    if (state.away || state.failures-- > 0) throw new Error("Connection terminated unexpectedly");
    state.statements += 1;
    const nowMs = String(DATABASE_START_MS + time.nowMs);
    return time.outside(async () => {
      await connection.query("select set_config('fake.now_ms', $1, false)", [nowMs]);
      return connection.query(
        state.mistake ? "select missing()" : text,
        state.mistake ? [] : [...parameters],
      );
    });
  }

  function connect(wayMs: () => number): Database {
    const connection = {
      query: async (text: string, parameters: readonly unknown[] = []) => {
        await time.sleep(wayMs());
        const result = await query(text, parameters);
        await time.sleep(wayMs());
        return result;
      },
      release: () => undefined,
    };
    const pool = { connect: () => Promise.resolve(connection), end: () => Promise.resolve() };
    // The quota needs only this part of a pool.
    const dialect = new PostgresDialect({ pool: pool as unknown as PostgresPool });
    const replicaDb = new Kysely<Tables>({ dialect });
    return {
      kind: "postgres",
      pools: () => [],
      db: replicaDb,
      quota: replicaDb,
      reads: replicaDb,
      jobs: {
        ...{ kind: "postgres", schema: "public_jobs" },
        executeSql: () => Promise.reject(new Error("Only the quota is simulated.")),
      },
      withoutTimeLimit: (work) => work(replicaDb),
      close: () => replicaDb.destroy(),
    };
  }
  return Object.assign(state, { connect });
}
