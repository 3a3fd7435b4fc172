import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { inspect } from "node:util";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DatabaseError } from "../../src/database/database.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { startStubPostgres } from "./start-stub-postgres.ts";

const PASSWORD = "s3cret-Pässword/%";

async function refusal(url: string): Promise<DatabaseError> {
  const [outcome] = await Promise.allSettled([openPostgres({ url })]);
  if (outcome.status === "rejected") return outcome.reason as DatabaseError;
  throw new Error("It was opened.");
}

/** The test database's URL with a change. */
async function urlWith(change: (url: URL) => void): Promise<string> {
  const url = new URL(await createTestPostgres());
  change(url);
  return url.href;
}

describe("a database that cannot be used", () => {
  test.each([
    [
      "at a port without a listener",
      (): string => "postgres://user@127.0.0.1:1/db",
      "nothing listens there (ECONNREFUSED)",
    ],
    [
      "with an unknown host",
      (): string => "postgres://user@host.invalid/db",
      /its host is not known( just now)? \((ENOTFOUND|EAI_AGAIN)\)/,
    ],
    [
      "that rejects the password",
      () =>
        urlWith((url) => {
          url.password = PASSWORD;
        }),
      "it does not take this user and password (28P01)",
    ],
    [
      "that does not exist",
      () =>
        urlWith((url) => {
          url.pathname = "nowhere";
        }),
      "the server has no database of this name (3D000)",
    ],
  ] as const)("%s is refused with the reason", async (_, url, reason) => {
    const error = await refusal(await url());
    expect(error.name).toBe("DatabaseError");
    expect(error.message).toMatch(/^The database at DATABASE_URL cannot be used: .*\.$/);
    expect(error.message).toMatch(reason);
  });

  test("that takes connections and never answers is reported after a time limit", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const error = await refusal(`postgres://user:pw@127.0.0.1:${port}/db`);
    expect(error.message).toMatch(/^The database at DATABASE_URL cannot be used: .*time.*\.$/);
  });

  test("that is too old is refused with both versions", async () => {
    const error = await refusal(await startStubPostgres(["140012", "UTF8"]));
    expect(error.message).toBe(
      "The database at DATABASE_URL is PostgreSQL 14; the gateway needs 15 or later.",
    );
  });

  test("with another encoding is refused", async () => {
    const error = await refusal(await startStubPostgres(["160004", "LATIN1"]));
    expect(error.message).toMatch(/keeps its text in LATIN1; the gateway needs one made with encoding UTF8/);
  });

  test.each([
    "",
    "localhost",
    "mysql://user:s3cret@host/db",
    "postgres://user:s3cret@host:port/db",
    "postgres://user:s3cret@host:5432",
    "postgres://user:s3cret#x@host/db",
  ])("by the URL %j is refused without showing it", async (url) => {
    const error = await refusal(url);
    expect(error.message).toMatch(
      /^DATABASE_URL must look like postgres:\/\/user:password@host:5432\/database/,
    );
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("s3cret");
  });

  test("does not reveal its password in the error", async () => {
    const encoded = encodeURIComponent(PASSWORD);
    const urls = [
      `postgres://user:${encoded}@127.0.0.1:1/db`,
      `postgres://user:${encoded}@host.invalid/db`,
      await urlWith((url) => {
        url.password = PASSWORD;
      }),
    ];
    for (const url of urls) {
      const shown = inspect(await refusal(url), { depth: 9, showHidden: true });
      expect(shown).not.toContain(PASSWORD);
      expect(shown).not.toContain(encoded);
    }
  });
});

describe("a database in use", () => {
  test("has sessions with a name and time limits", async () => {
    const { db } = await openTestPostgres(await createTestPostgres());
    const { rows } = await sql`
      select current_setting('application_name') as name, current_setting('statement_timeout') as timeout`.execute(
      db,
    );
    expect(rows).toEqual([{ name: "cam-mfa-gateway", timeout: "5s" }]);
  });

  test("reports connections that break while idle, and replaces them", async () => {
    const url = await createTestPostgres();
    const broken = Promise.withResolvers<Error>();
    const database = await openPostgres({ url, onIdleError: broken.resolve });
    onTestFinished(() => database.close());
    const other = await openTestPostgres(url);
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.db);
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other.db);
    expect((await broken.promise).message).toMatch(/terminat/);
    await expect(sql`select 1`.execute(database.db)).resolves.toBeDefined();
  });

  test("leaves no connection after it was closed twice, or closed unused", async () => {
    const url = await createTestPostgres();
    const other = await openTestPostgres(url);
    const database = await openPostgres({ url });
    await Promise.all([database.close(), database.close()]);
    await expect
      .poll(async () => {
        const { rows } = await sql<{ sessions: number }>`
          select count(*)::integer as sessions from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`.execute(other.db);
        return rows[0]?.sessions;
      })
      .toBe(0);
  });

  test("runs long work without a time limit on a connection of its own, and closes it", async () => {
    const url = await createTestPostgres();
    const database = await openTestPostgres(url);
    const pid = await database.withoutTimeLimit(async (db) => {
      const { rows } = await sql<{ pid: number; timeout: string }>`
        select pg_backend_pid() as pid, current_setting('statement_timeout') as timeout`.execute(db);
      expect(rows[0]?.timeout).toBe("0");
      return rows[0]?.pid;
    });
    const open = sql`select from pg_stat_activity where pid = ${pid}`;
    await expect.poll(async () => (await open.execute(database.db)).rows).toEqual([]);
  });
});
