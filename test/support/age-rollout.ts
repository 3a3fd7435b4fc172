import { sql } from "kysely";
import type { Database } from "../../src/database/database.ts";

/** Moves the end of a run back, so that the gateway reads its users again without a wait for CAM's consistency window. */
export async function ageRollout({ db }: Database, id: string): Promise<void> {
  const ago = sql`interval '2 minutes'`;
  await sql`update mfa_rollout_item set settled_at = settled_at - ${ago} where rollout_id = ${id}`.execute(
    db,
  );
  await sql`update mfa_rollout set finished_at = finished_at - ${ago} where id = ${id}`.execute(db);
}
