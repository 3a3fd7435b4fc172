import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import type { Database } from "../../src/database/database.ts";
import { migrate } from "../../src/database/migrate.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { openEmptyDatabase } from "./open-test-database.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Opens a PostgreSQL database with records in the chain `legacy`, as the release with eight migrations sealed them. */
export async function openLegacyRecord(count: number): Promise<Database> {
  const database = await openEmptyDatabase("postgres");
  const { path } = await temporaryFolder();
  const files = (await readdir(MIGRATIONS_DIR)).sort().slice(0, 8);
  for (const file of files) await cp(join(MIGRATIONS_DIR, file), join(path, file));
  await migrate(database, path);
  for (let user = 1; user <= count; user++) {
    const intent = JSON.stringify({
      ...{ account: "default", op_uin: String(user), caller_subject: "alice", caller_person: "alice" },
      ...{ gateway_request_id: "r", requested: {}, request_hash: "h", before_image: {}, sent: {} },
      replica: "replica-1",
    });
    await sql`
      select s.* from begin_change(${intent}::jsonb, 1000, null, 0, 0, null, 0) b,
        settle_change(b.change_id, 'applied', 'REPLY', null, null, null, 'cam-1', 1, 0, false) s`.execute(
      database.db,
    );
  }
  await migrate(database, MIGRATIONS_DIR);
  return database;
}
