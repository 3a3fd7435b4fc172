import { sql } from "kysely";
import pLimit from "p-limit";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Database } from "../../src/database/database.ts";
import type { LaneKey } from "../../src/rollouts/lane-runner.ts";
import { type ClaimedItem, RunStore } from "../../src/rollouts/run-store.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ANN, by, hashOf, openRunWorld } from "./run-world.ts";

const USERS = 100;
const RUNS = 50;

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

/** Returns the same numbers in [0, 1) for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Runs a rollout with lanes of two replicas. A writer ends each item by chance, after chance has interleaved it with the
 * others. Returns the most failures and open items that there ever were together.
 */
async function runOnce(budget: number, seed: number) {
  const random = randomOf(seed);
  const failureRate = 0.1 + random() / 2;
  const world = await openRunWorld(database, { accounts: 3 });
  const stores = [new RunStore(database, "one"), new RunStore(database, "other")];
  const { id } = await world.plan(USERS, { budget });
  await sql`
    update mfa_rollout set status = 'running', started_at = now(), wave = 1 where id = ${id}`.execute(
    database.db,
  );
  await sql`
    insert into mfa_rollout_lane (rollout_id, account) select ${id}, unnest(accounts) from mfa_rollout where id = ${id}`.execute(
    database.db,
  );
  let [failed, open, most] = [0, 0, 0];
  const end = async (store: RunStore, lane: LaneKey, item: ClaimedItem): Promise<void> => {
    while (random() < 0.3) await new Promise(setImmediate);
    const chance = random();
    // Before the statement, because another claim may follow it before its result arrives here.
    open -= 1;
    if (chance < failureRate) {
      failed += 1;
      await store.settle(lane, item, { state: "failed", code: "USER_NOT_BIND_PHONE" });
    } else if (chance < failureRate + 0.05) await store.release(lane, item, 0);
    else {
      await sql`
        update mfa_rollout_item set state = 'applied', settled_at = now()
        where rollout_id = ${id} and item = ${item.item}`.execute(database.db);
    }
  };
  const work = async (store: RunStore, account: string): Promise<void> => {
    const lane = { rolloutId: id, account };
    for (let verdict = "ON"; verdict === "ON"; ) {
      const claim = await store.claim(lane, 1 + Math.floor(random() * 5), 60_000);
      verdict = claim.verdict;
      open += claim.items.length;
      most = Math.max(most, failed + open);
      await Promise.all(claim.items.map((item) => end(store, lane, item)));
      if (failed > budget) await store.advance(id);
    }
  };
  // A replica has a lane only until the other one takes it, so each has its own accounts.
  await Promise.all(world.names.map((account, index) => work(stores[index % 2] as RunStore, account)));
  await stores[0]?.advance(id);
  const { status } = await world.found(id);
  const counts = await world.rolloutStore.counts(id);
  return { status, failed, most, counts };
}

describe.each([0, 1, 5, 10])("with an error budget of %i of 100 users", (budget) => {
  test(`${RUNS} random runs never go beyond it`, { timeout: 120_000 }, async () => {
    const limit = pLimit(4);
    const seeds = Array.from({ length: RUNS }, (_, index) => 1_000 * budget + index);
    const runs = await Promise.all(seeds.map((seed) => limit(runOnce, budget, seed)));
    for (const { status, failed, most, counts } of runs) {
      // The failure after the last one of the budget stops the rollout, and no other item is open then.
      expect(most).toBeLessThanOrEqual(budget + 1);
      expect(counts.failed).toBe(failed);
      expect(status).toBe(failed > budget ? "stopped" : "done");
    }
    expect(runs.some(({ status }) => status === "stopped")).toBe(true);
  });
});

test("an outcome that stays unknown is open for five minutes, then counts as failed, until it is known", async () => {
  const world = await openRunWorld(database, { timeLimitMs: 300 });
  const replica = world.replica();
  const [cam] = world.cams.values();
  let isLost = true;
  if (cam !== undefined) {
    cam.before = async (action, opUin) => {
      // CAM shows the old state of the first user until the end.
      if (action === "SetMfaFlag" && (isLost || opUin === "100000000"))
        throw Object.assign(new Error("lost"), { lost: true });
      return undefined;
    };
  }
  const planned = await world.plan(3, { budget: 1 });
  await replica.orders.start(planned, hashOf(planned), by(ANN));
  // Two are open at once, so the third waits for them.
  await expect
    .poll(() => world.rolloutStore.counts(planned.id))
    .toMatchObject({ unknown: 2, will_change: 1 });
  const age = () =>
    sql`update mfa_rollout_item set unknown_since = now() - interval '6 minutes' where rollout_id = ${planned.id} and item = 1`.execute(
      database.db,
    );
  await age();
  await replica.runner.advance();
  // One counts as failed now, which the budget allows.
  expect(await world.found(planned.id)).toMatchObject({ status: "running" });
  isLost = false;
  // A read shows that the second one took effect, and the third may begin.
  cam?.users.set("100000001", { ...(await imageOf(planned.id)) });
  await sql`update mfa_change set lease_until = now() - interval '1 second' where rollout_id = ${planned.id}`.execute(
    database.db,
  );
  await vi.waitFor(async () => {
    await replica.reconcile();
    expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ applied: 2, unknown: 1 });
  }, 10_000);
  await sql`update mfa_rollout_item set unknown_since = now() where rollout_id = ${planned.id} and item = 1`.execute(
    database.db,
  );
  await replica.idle();
  expect(await world.found(planned.id)).toMatchObject({ status: "running" });

  async function imageOf(id: string) {
    const [item] = await world.rolloutStore.items(id, {}, 1);
    const none = { token: false, custom: false, mail: false, u2fToken: false, passkey: false };
    return {
      login: { phone: true, stoken: false, wechat: false, ...none },
      action: { ...(item?.before?.action ?? { phone: false, stoken: false, wechat: false, ...none }) },
    };
  }
});
