import { sql } from "kysely";
import { expect, test } from "vitest";
import { isUnavailable } from "../../src/database/store-errors.ts";
import { cutDatabase, hasJustRun } from "../support/cut-database.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";

// Vitest counts uncaught errors. In production they would end the process.
test("a connection that the server ends while it is in use fails only its statement", async () => {
  const url = await createTestPostgres();
  const { db } = await openTestPostgres(url);
  const slow = sql`select pg_sleep(4)`.execute(db).catch((error: unknown) => error);
  await expect.poll(() => hasJustRun(url, "select pg_sleep")).toBe(true);
  const restore = await cutDatabase(url);
  expect(isUnavailable(await slow)).toBe(true);
  await restore();
  await expect(sql`select 1`.execute(db)).resolves.toBeDefined();
});

test("a connection that the server ends does not get the next statement", async () => {
  const { db } = await openTestPostgres(await createTestPostgres());
  await expect(sql`select pg_terminate_backend(pg_backend_pid())`.execute(db)).rejects.toMatchObject({
    code: "57P01",
  });
  // The socket is still open at this moment.
  await expect(sql`select 1`.execute(db)).resolves.toBeDefined();
});

test("a connection that ends between the statements of a transaction fails the next statement", async () => {
  const url = await createTestPostgres();
  const { db } = await openTestPostgres(url);
  let restore: (() => Promise<void>) | undefined;
  const transaction = db.transaction().execute(async (trx) => {
    await sql`select 1`.execute(trx);
    restore = await cutDatabase(url);
    await sql`select 2`.execute(trx);
  });
  await expect(transaction).rejects.toThrow();
  await restore?.();
});
