import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { readUrlFile } from "../../src/database/database-address.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { createDataDir, createTestPostgres } from "../support/open-test-database.ts";

/** A database user of its own, by a URL in a file, as DATABASE_URL_FILE names it. */
async function openByFile() {
  const url = new URL(await createTestPostgres());
  const operator = new pg.Client(url.href);
  await operator.connect();
  onTestFinished(() => operator.end());
  const role = `rotated_${url.pathname.slice(-8)}`;
  await operator.query(`create role ${role} login password 'first'`);
  const file = join(await createDataDir(), "url");
  const write = async (user: string, password: string): Promise<void> => {
    url.username = user;
    url.password = password;
    // Like a mounted secret: the new file replaces the old one in one step.
    await writeFile(`${file}.new`, `${url.href}\n`);
    await rename(`${file}.new`, file);
  };
  await write(role, "first");
  const database = await openPostgres({ url: () => readUrlFile(file) });
  onTestFinished(() => database.close());
  const endSessions = () =>
    operator.query(
      "select pg_terminate_backend(pid, 30000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  return { database, operator, role, file, write, endSessions };
}

/** Returns the user of the session, after the pool has replaced a dead one. */
async function userOf({ db }: Database): Promise<unknown> {
  const ask = async () =>
    (await sql<{ user: string }>`select current_user as "user"`.execute(db)).rows[0]?.user;
  // A query can meet an ended session whose end the pool has not noticed, and so can its repetition.
  return ask().catch(ask).catch(ask);
}

describe("DATABASE_URL_FILE", () => {
  test("lets new connections use a rotated password", async () => {
    const { database, operator, role, write, endSessions } = await openByFile();
    expect(await userOf(database)).toBe(role);
    await operator.query(`alter role ${role} password 'second'`);
    await endSessions();
    await expect(userOf(database)).rejects.toMatchObject({ code: "28P01" });
    await write(role, "second");
    expect(await userOf(database)).toBe(role);
  });

  test("applies to every pool and to work without a time limit", async () => {
    const { database, operator, role, write, endSessions } = await openByFile();
    await operator.query(`alter role ${role} password 'second'`);
    await write(role, "second");
    await endSessions();
    for (const db of [database.quota, database.reads]) {
      await expect(sql`select 1`.execute(db)).resolves.toBeDefined();
    }
    await expect(database.withoutTimeLimit((db) => sql`select 1`.execute(db))).resolves.toBeDefined();
  });

  test("lets new connections use another user", async () => {
    const { database, operator, role, write, endSessions } = await openByFile();
    await operator.query(`create role ${role}_b login password 'other'`);
    await write(`${role}_b`, "other");
    await endSessions();
    expect(await userOf(database)).toBe(`${role}_b`);
  });

  test("that is missing for a while leaves the last address in use", async () => {
    const { database, role, file, endSessions } = await openByFile();
    await rm(file);
    await endSessions();
    expect(await userOf(database)).toBe(role);
  });

  test("that is missing while the last address does not work is the reported reason", async () => {
    const { database, operator, role, file, endSessions } = await openByFile();
    await operator.query(`alter role ${role} password 'second'`);
    await rm(file);
    await endSessions();
    await expect(userOf(database)).rejects.toThrow(/^The file of DATABASE_URL_FILE, .*url, /);
  });
});
