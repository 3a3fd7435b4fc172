import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SlotStore } from "../../src/quota/slot-store.ts";
import { openTestDatabase } from "../support/open-test-database.ts";

const KEY = { secretId: "AKIDNEW", action: "SetMfaFlag" };
const REQUEST = { replica: "r1", ratePerSecond: 20, bulk: false, adjustments: [], wantsOutlook: true };

/** The first insert adds no row, as if another session deleted the row before the first session locks it. */
const LOSE_THE_FIRST_ROW = [
  "create sequence new_windows",
  `create function lose_the_first_row() returns trigger language plpgsql as $$
     begin
       return case when nextval('public.new_windows') > 1 then new end;
     end
   $$`,
  `create trigger lose_the_first_row before insert on quota_window
     for each row execute function lose_the_first_row()`,
];

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  test("a window that another session deletes while it is new has its slots", async () => {
    const database = await openTestDatabase(kind);
    for (const statement of LOSE_THE_FIRST_ROW) await sql.raw(statement).execute(database.db);
    const store = new SlotStore({ database, clock: systemClock });
    const noted = await store.take(KEY, { ...REQUEST, withinMs: -1 });
    expect(noted).toMatchObject({ granted: false, outlook: { taken: 0, latest: [] } });
    const taken = await store.take(KEY, { ...REQUEST, withinMs: 60_000 });
    expect(taken).toMatchObject({ granted: true, outlook: { taken: 1, latest: [taken.slotMs] } });
  });
});
