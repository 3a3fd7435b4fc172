import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { grantRights } from "../../src/database/migrate.ts";
import { GRANTS_FILE } from "../../src/gateway/package-paths.ts";
import { runCommand } from "../cli/run-command.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { whenOver } from "../support/when-over.ts";

/** A role whose name needs quotes, on a new database. */
async function createOddRole() {
  const url = await createTestPostgres();
  const owner = await openTestPostgres(url);
  const role = `Odd "${randomBytes(6).toString("hex")}`;
  const quoted = sql.id(role);
  await sql`create role ${quoted}`.execute(owner.db);
  whenOver(async () => {
    await sql`drop owned by ${quoted}`.execute(owner.db);
    await sql`drop role ${quoted}`.execute(owner.db);
  });
  const mayDo = async () => {
    const { rows } = await sql<{ reads: boolean; writes: boolean; calls: boolean }>`
      select has_table_privilege(${role}, 'mfa_change', 'select') as reads,
        has_table_privilege(${role}, 'mfa_change', 'insert') as writes,
        bool_and(has_function_privilege(${role}, oid, 'execute')) as calls
      from pg_proc where proname = 'begin_change'`.execute(owner.db);
    return rows[0];
  };
  return { url, owner, role, mayDo };
}

test("a role gets the rights to read and to run functions, and no right to write", async () => {
  const { owner, role, mayDo } = await createOddRole();
  for (let time = 0; time < 2; time++) {
    await grantRights(owner, GRANTS_FILE, role);
    expect(await mayDo()).toEqual({ reads: true, writes: false, calls: true });
  }
});

test("the error for an unknown role names it", async () => {
  const { owner } = await createOddRole();
  await expect(grantRights(owner, GRANTS_FILE, "nobody")).rejects.toMatchObject({
    name: "DatabaseError",
    message: 'The role nobody did not get its rights: role "nobody" does not exist.',
  });
});

test("migrate --grant-to gives the rights and reports it", async () => {
  const { url, role, mayDo } = await createOddRole();
  const { code, stdout, stderr } = await runCommand("migrate", ["--grant-to", role], { DATABASE_URL: url });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/is up to date\.\n.*\n$/);
  expect(stdout).toContain(`Gave the role ${role} its rights.\n`);
  expect(await mayDo()).toMatchObject({ reads: true });
  expect(await runCommand("migrate", ["--grant-to", "nobody"], { DATABASE_URL: url })).toMatchObject({
    code: 2,
    stderr: 'The role nobody did not get its rights: role "nobody" does not exist.\n',
  });
});
