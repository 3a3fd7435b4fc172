import { sql } from "kysely";
import type { Database } from "../../src/database/database.ts";
import { openTestPostgres } from "./open-test-database.ts";
import { LOCAL_KEY } from "./start-gateway.ts";

/** Moves the end of a run back, so that the gateway reads its users again without a wait for CAM's consistency window. */
export async function ageRollout({ db }: Database, id: string): Promise<void> {
  const ago = sql`interval '2 minutes'`;
  await sql`update mfa_rollout_item set settled_at = settled_at - ${ago} where rollout_id = ${id}`.execute(
    db,
  );
  await sql`update mfa_rollout set finished_at = finished_at - ${ago} where id = ${id}`.execute(db);
}

/** Expires all changes that await approval, by the database's clock. */
export async function expireAwaiting(databaseUrl: string): Promise<void> {
  const { db } = await openTestPostgres(databaseUrl);
  await sql`
    update mfa_change set expires_at = clock_timestamp(), lease_until = clock_timestamp()
    where status = 'awaiting_approval'`.execute(db);
}

/** Blocks the slots of an action for an hour, as after many throttles. */
export async function pauseQuota(url: string, action: string): Promise<void> {
  const { db } = await openTestPostgres(url);
  await sql`
    insert into quota_window (secret_id, action, paused_until)
    values (${LOCAL_KEY.TENCENTCLOUD_SECRET_ID}, ${action}, epoch_ms() + 3600000)
    on conflict (secret_id, action) do update set paused_until = excluded.paused_until`.execute(db);
}
