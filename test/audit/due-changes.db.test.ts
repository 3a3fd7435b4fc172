import { sql } from "kysely";
import { expect, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { DueChanges } from "../../src/audit/due-changes.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { FRESH, intentOf } from "./intent-of.ts";

test("an account is due if a lease of it is over, or lies further ahead than any replica sets one", async () => {
  const database = await openTestDatabase("postgres");
  const clock = new FakeClock();
  const log = new ChangeStore({ database, replica: "replica-1" });
  await log.begin({ ...intentOf(), account: "at-work", leaseMs: 60_000 }, FRESH);
  await log.begin({ ...intentOf(), account: "left", leaseMs: -1 }, FRESH);
  await log.begin({ ...intentOf(), account: "awaits", approvalMs: 3_600_000 }, FRESH);
  const { id } = await log.begin({ ...intentOf(), account: "from-the-future" }, FRESH);
  await sql`update mfa_change set lease_until = now() + interval '1 hour' where id = ${id}`.execute(
    database.db,
  );
  const due = new DueChanges(database, clock);
  const accounts = ["at-work", "left", "awaits", "from-the-future", "unknown"];
  expect(await Promise.all(accounts.map((account) => due.has(account)))).toEqual([
    ...[false, true, false, true, false],
  ]);
  // Each due account is one that the log gives out.
  expect(await log.claim("left", 1, 60_000)).toHaveLength(1);
  // Accounts that look within half a second share what one of them found.
  expect(await due.has("left")).toBe(true);
  await clock.advance(500);
  expect(await due.has("left")).toBe(false);
});
