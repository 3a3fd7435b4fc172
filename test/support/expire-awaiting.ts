import { sql } from "kysely";
import { openTestPostgres } from "./open-test-database.ts";

/** Expires all changes that await approval, by the database's clock. */
export async function expireAwaiting(databaseUrl: string): Promise<void> {
  const { db } = await openTestPostgres(databaseUrl);
  await sql`
    update mfa_change set expires_at = clock_timestamp(), lease_until = clock_timestamp()
    where status = 'awaiting_approval'`.execute(db);
}
