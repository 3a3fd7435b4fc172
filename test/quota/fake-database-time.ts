import { sql } from "kysely";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";

/** A schema that comes before pg_catalog, so that every function that reads the time gets the test's time. */
const FAKE_CLOCK = [
  "create schema fake",
  "create table fake.clock (ms double precision)",
  "insert into fake.clock values (0)",
  `create function fake.clock_timestamp() returns timestamptz language sql volatile
     as 'select to_timestamp(ms / 1000) from fake.clock'`,
];

/** The functions search only their own schema. This test lets them search the schema `fake` first. */
export const ASK_THE_FAKE_CLOCK = `do $$
  declare
    name regprocedure;
  begin
    for name in
      select p.oid::regprocedure from pg_proc p
      where p.pronamespace = 'public'::regnamespace and (p.prosecdef or p.proname = 'epoch_ms')
    loop
      execute format('alter function %s set search_path = fake, pg_catalog, public', name);
    end loop;
  end
  $$`;

export interface FakeTimeDatabase {
  readonly database: Database;
  /** Milliseconds since 1970. */
  setTime(ms: number): Promise<void>;
}

/** A migrated database whose clock stops until the test moves it. */
export async function openFakeTimeDatabase(kind: Database["kind"]): Promise<FakeTimeDatabase> {
  const database = kind === "postgres" ? await openPostgres() : await openPglite();
  return {
    database,
    setTime: async (ms) => {
      await sql`update fake.clock set ms = ${ms}`.execute(database.db);
    },
  };
}

async function openPostgres(): Promise<Database> {
  const database = await openTestPostgres(await createTestPostgres());
  await makeFakeClock(database);
  return database;
}

async function openPglite(): Promise<Database> {
  const database = await openTestDatabase("pglite");
  await makeFakeClock(database);
  return database;
}

async function makeFakeClock({ db }: Database): Promise<void> {
  for (const statement of [...FAKE_CLOCK, ASK_THE_FAKE_CLOCK]) await sql.raw(statement).execute(db);
}
