import { sql } from "kysely";
import { openTestPostgres } from "./open-test-database.ts";

/** Lets the time of every change be over that awaits approval, by the database's clock and no other. */
export async function expireAwaiting(databaseUrl: string): Promise<void> {
  const { db } = await openTestPostgres(databaseUrl);
  await sql`
    update mfa_change set expires_at = clock_timestamp(), lease_until = clock_timestamp()
    where status = 'awaiting_approval'`.execute(db);
}
