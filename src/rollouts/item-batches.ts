import { sql } from "kysely";
import type { Database } from "../database/database.ts";
import { runQuery } from "../database/statements.ts";

/**
 * The most items in one statement. A statement times out after five seconds, and a rollout can have 100,000 users.
 */
export const ITEM_BATCH = 5_000;

/**
 * Yields the items of a rollout in order, page by page.
 * @param read Returns the items that follow the given position.
 */
export async function* itemPages<Item extends { readonly item: number }>(
  read: (after: number) => Promise<readonly Item[]>,
): AsyncGenerator<readonly Item[]> {
  for (let after = 0; ; ) {
    const items = await read(after);
    const last = items.at(-1);
    if (last === undefined) return;
    yield items;
    after = last.item;
  }
}

/**
 * Repeats a statement until it writes fewer than ITEM_BATCH items. @param write Returns the items that it wrote.
 */
export async function writeInBatches(write: () => Promise<readonly unknown[]>): Promise<void> {
  while ((await write()).length === ITEM_BATCH);
}

/**
 * Reserves the users of a plan for its rollout. @throws the driver's error 23505 if another rollout has reserved a
 * user.
 */
export async function reserveUsers(database: Database, rolloutId: string): Promise<void> {
  const [row] = await runQuery<{ last: number }>(
    database,
    sql`select max(item) as last from mfa_rollout_item where rollout_id = ${rolloutId}`,
  );
  for (let after = 0; after < (row?.last ?? 0); after += ITEM_BATCH) {
    await runQuery(
      database,
      sql`
      update mfa_rollout_item set held = true
      where rollout_id = ${rolloutId} and item > ${after} and item <= ${after + ITEM_BATCH} and wave is not null`,
    );
  }
}

/** Releases the users of rollouts that have ended and have no open change. */
export async function releaseUsers(database: Database): Promise<void> {
  await writeInBatches(() =>
    runQuery(
      database,
      sql`
      with over as materialized (
        select i.rollout_id, i.item from mfa_rollout_item i join mfa_rollout r on r.id = i.rollout_id
        where i.held and r.finished_at is not null and i.state not in ('changing', 'unknown')
        limit ${ITEM_BATCH} for update of i skip locked
      )
      update mfa_rollout_item i set held = false from over
      where i.rollout_id = over.rollout_id and i.item = over.item returning i.item`,
    ),
  );
}
