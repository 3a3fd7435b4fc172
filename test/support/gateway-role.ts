import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { statementsOf } from "../../src/database/migrate.ts";
import { GRANTS_FILE } from "../../src/gateway/package-paths.ts";

/** Returns the URL of a role with exactly the gateway's rights on a database of `createTestPostgres`. */
export async function createGatewayRole(ownerUrl: string): Promise<string> {
  const grants = statementsOf(await readFile(GRANTS_FILE, "utf8"));
  return createRole(ownerUrl, (role) => [
    `create role ${role} login password 'change-me'`,
    ...grants.map((statement) => statement.replaceAll(':"role"', role).replaceAll(':"jobs"', "public_jobs")),
  ]);
}

/** Returns the URL of the role that the statements create. Its password is `change-me`. */
export async function createRole(
  ownerUrl: string,
  statements: (role: string) => readonly string[],
): Promise<string> {
  const role = `gateway_${randomBytes(6).toString("hex")}`;
  const owner = new pg.Client(ownerUrl);
  await owner.connect();
  try {
    for (const statement of statements(role)) await owner.query(statement);
  } finally {
    await owner.end();
  }
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = "change-me";
  return url.href;
}
