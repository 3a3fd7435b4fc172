import { sql } from "kysely";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ANN, by, hashOf, openRunWorld } from "./run-world.ts";

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

const set = (statement: ReturnType<typeof sql>) => statement.execute(database.db);

/** A point that one write reaches, and where it stays until released. */
function holdWrite() {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const reach = () => {
    reached.resolve();
    return released.promise;
  };
  return { reach, reached: reached.promise, release: released.resolve };
}

test("a wave begins once the last one is settled, its hold is over, or a person lets it begin", async () => {
  const world = await openRunWorld(database, { accounts: 2, staleReadMs: 3_600_000 });
  const replica = world.replica();
  const { orders, runner, idle } = replica;
  const planned = await world.plan(7, {
    waves: [
      { users: 2, holdHours: 0, waitForRelease: false },
      { users: 2, holdHours: 24, waitForRelease: false },
      { users: 2, holdHours: 1, waitForRelease: true },
    ],
  });
  const applied = async () => (await world.rolloutStore.counts(planned.id)).applied;
  await orders.start(planned, hashOf(planned), by(ANN));
  await idle();
  await runner.advance();
  await idle();
  // The second wave followed the first one at once. The third waits for a day.
  const held = await world.found(planned.id);
  expect([held.wave, await applied(), held.waveAwaitsRelease]).toEqual([2, 4, false]);
  expect((held.waveHeldUntil?.getTime() ?? 0) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  await set(sql`update mfa_rollout set wave_held_until = now() where id = ${planned.id}`);
  await runner.advance();
  await idle();
  await runner.advance();
  const waiting = await world.found(planned.id);
  expect([waiting.wave, await applied(), waiting.waveAwaitsRelease]).toEqual([3, 6, true]);
  // The end of the hold does not replace the person.
  await set(sql`update mfa_rollout set wave_held_until = now() where id = ${planned.id}`);
  await runner.advance();
  await idle();
  expect(await applied()).toBe(6);
  await expect(orders.releaseWave(waiting, 5, by(ANN))).rejects.toMatchObject({ code: "ROLLOUT_STATUS" });
  const released = await orders.releaseWave(waiting, 4, by(ANN));
  expect([released.wave, released.waveAwaitsRelease]).toEqual([4, false]);
  expect(await orders.releaseWave(released, 4, by(ANN))).toEqual(released);
  await idle();
  expect([(await world.found(planned.id)).status, await applied()]).toEqual(["done", 7]);
  expect(world.reports).toEqual(["started", "wave 2", "wave 3", "wave_released", "done"]);
});

test("items begin only within the window, in its time zone", async () => {
  const world = await openRunWorld(database, { staleReadMs: 3_600_000 });
  const { orders, runner, idle } = world.replica();
  const { rows } = await sql<{ today: string; tomorrow: string; other: string }>`
    select to_char(now() at time zone 'Asia/Shanghai', 'Dy') as today,
      to_char(now() at time zone 'Asia/Shanghai' + interval '1 day', 'Dy') as tomorrow,
      to_char(now() at time zone 'Asia/Shanghai' + interval '3 days', 'Dy') as other`.execute(database.db);
  const window = { timeZone: "Asia/Shanghai", from: "00:00", to: "24:00" };
  const { today, tomorrow, other } = rows[0] ?? { today: "", tomorrow: "", other: "" };
  for (const [days, applied] of [
    [[other], 0],
    // Midnight may come during the test.
    [[today, tomorrow], 2],
  ] as const) {
    const planned = await world.plan(2, { window: { ...window, days } });
    await orders.start(planned, hashOf(planned), by(ANN));
    await idle();
    await runner.advance();
    expect((await world.rolloutStore.counts(planned.id)).applied).toBe(applied);
    await orders.cancel(await world.found(planned.id), "Another day", by(ANN)).catch(() => undefined);
  }
});

test("a pause begins nothing more, a resumed rollout goes on, and a cancelled one ends", async () => {
  const world = await openRunWorld(database, { staleReadMs: 3_600_000 });
  const { orders, idle } = world.replica();
  const [cam] = world.cams.values();
  let written = 0;
  const [third, sixth] = [holdWrite(), holdWrite()];
  if (cam !== undefined) {
    cam.before = async (action) => {
      if (action !== "SetMfaFlag") return undefined;
      written += 1;
      if (written === 3) await third.reach();
      if (written === 6) await sixth.reach();
      return undefined;
    };
  }
  const planned = await world.plan(10);
  await orders.start(planned, hashOf(planned), by(ANN));
  await third.reached;
  const paused = await orders.pause(await world.found(planned.id), "Lunch", by(ANN));
  expect(paused).toMatchObject({ status: "paused", hint: "Lunch" });
  third.release();
  // What was begun ends, and nothing follows it.
  await expect.poll(async () => (await world.rolloutStore.counts(planned.id)).applied).toBe(3);
  expect(await orders.pause(paused, "Again", by(ANN))).toEqual(paused);
  expect(written).toBe(3);
  await orders.resume(paused, by(ANN));
  // The rollout goes on, and does not end before it is cancelled.
  await sixth.reached;
  const cancelled = await orders.cancel(await world.found(planned.id), "Enough", by(ANN));
  sixth.release();
  expect(cancelled).toMatchObject({ status: "cancelled", hint: "Enough" });
  await idle();
  const { applied, will_change: left } = await world.rolloutStore.counts(planned.id);
  expect(applied + left).toBe(10);
  const holders = await sql`select from mfa_rollout_item where rollout_id = ${planned.id} and held`.execute(
    database.db,
  );
  expect(holders.rows).toEqual([]);
  await expect(orders.resume(cancelled, by(ANN))).rejects.toMatchObject({ code: "ROLLOUT_STATUS" });
});

test("a run stops after seven days, whatever it has done", async () => {
  const world = await openRunWorld(database, { staleReadMs: 3_600_000 });
  const { orders, runner, idle } = world.replica();
  const window = { timeZone: "UTC", from: "00:00", to: "00:00", days: undefined };
  const planned = await world.plan(2, { window });
  await orders.start(planned, hashOf(planned), by(ANN));
  await set(sql`update mfa_rollout set started_at = now() - interval '8 days' where id = ${planned.id}`);
  await runner.advance();
  await idle();
  expect(await world.found(planned.id)).toMatchObject({ status: "stopped", code: "APPROVAL_EXPIRED" });
});

test("a user who was changed by others after the run is listed as a difference", async () => {
  const world = await openRunWorld(database, { staleReadMs: 3_600_000 });
  const replica = world.replica();
  const planned = await world.plan(3);
  await replica.orders.start(planned, hashOf(planned), by(ANN));
  await replica.idle();
  const [cam] = world.cams.values();
  cam?.users.delete("100000001");
  // The minute after the run is over.
  await set(sql`
    update mfa_rollout set finished_at = now() - interval '2 hours' where id = ${planned.id}`);
  await set(sql`
    update mfa_rollout_item set settled_at = now() - interval '2 hours' where rollout_id = ${planned.id}`);
  await replica.runner.advance();
  await replica.idle();
  expect(await replica.service.proof(await world.found(planned.id))).toMatchObject({
    differences: 1,
    sealed: true,
  });
  const { rows } = await sql`select op_uin from mfa_rollout_item where differs`.execute(database.db);
  expect(rows).toEqual([{ op_uin: "100000001" }]);
});
