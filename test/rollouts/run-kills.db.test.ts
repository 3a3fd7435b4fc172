import { sql } from "kysely";
import { expect, test } from "vitest";
import { atOneMoment } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import { CamError } from "../../src/cam/index.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ANN, by, hashOf, openRunWorld } from "./run-world.ts";

const USERS = 200;
const KILLS = 5;
/** The calls to CAM that two replicas make before they die. */
const CALLS_OF_A_LIFE = 50;

const shortly = () => new Promise((resolve) => setTimeout(resolve, 10));

/** A process that is gone: none of its calls ever ends. */
const forEver = (): Promise<never> => new Promise(() => undefined);

// A killed replica stops at its next call to CAM: with items that it claimed only, that it recorded, and that CAM has
// applied. bench/rollout-kills.ts kills real processes.
test("two replicas that die five times, with lost and late replies, change every user and no user twice", async () => {
  const database = await openTestDatabase("postgres");
  const world = await openRunWorld(database, { accounts: 2 });
  const planned = await world.plan(USERS, { budget: USERS });
  let [calls, generation] = [0, 0];
  const lost = new Set<string>();
  const replicas = [world.replica(), world.replica()];
  const isDead = () => calls > CALLS_OF_A_LIFE && generation < KILLS;
  for (const cam of world.cams.values()) {
    cam.before = async (action, opUin) => {
      calls += 1;
      if (isDead()) return forEver();
      if (action !== "SetMfaFlag" || Number(opUin) % 7 > 1 || lost.has(opUin)) return undefined;
      lost.add(opUin);
      // Every seventh reply is lost after CAM applied the write, and every seventh before.
      if (Number(opUin) % 7 === 1) return "lose";
      throw new CamError({ kind: "TIMEOUT", action, attempts: 1 });
    };
  }
  await replicas[0]?.orders.start(planned, hashOf(planned), by(ANN));
  await replicas[1]?.runner.advance();
  while (generation < KILLS) {
    while (!isDead()) await shortly();
    // Both stop where they are. New processes take over once the leases are over.
    for (const replica of replicas) void replica.runner.stop();
    generation += 1;
    calls = 0;
    replicas.splice(0, 2, world.replica(), world.replica());
    await letLeasesOfTheDeadEnd(planned.id);
    for (const replica of replicas) await replica.runner.advance();
  }
  while ((await world.found(planned.id)).status !== "done") {
    await letLeasesOfTheDeadEnd(planned.id);
    await replicas[0]?.reconcile();
    for (const replica of replicas) await replica.runner.advance();
    await shortly();
  }
  await Promise.all(replicas.map((replica) => replica.idle()));

  expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ applied: USERS });
  const writes = [...world.cams.values()].flatMap((cam) => [...cam.writes.entries()]);
  expect(writes.length).toBe(USERS);
  // An identical write may follow only an unknown outcome.
  expect(writes.filter(([opUin, { length }]) => length > 1 && !lost.has(opUin))).toEqual([]);
  const { rows } = await sql<{ twice: number; sent: number }>`
    select count(*) filter (where writing > 1)::integer as twice, count(distinct sent)::integer as sent from (
      select count(*) filter (where status = 'applied') over (partition by rollout_item) as writing, sent -> 'login' as sent
      from mfa_change where rollout_id = ${planned.id}
    ) changes`.execute(database.db);
  expect(rows).toEqual([{ twice: 0, sent: 1 }]);
  const report = await atOneMoment(database.db, (moment) => verifyDatabase(moment, undefined));
  expect(report.problem).toBeUndefined();

  /** Moves on to when the leases of dead processes, and the waits between two attempts, are over. */
  async function letLeasesOfTheDeadEnd(id: string): Promise<void> {
    const alive = sql.join(replicas.map(({ runStore }) => runStore.owner));
    for (const [table, owner] of [
      ["mfa_rollout_lane", "owner"],
      ["mfa_rollout_item", "lease_owner"],
      ["mfa_change", "replica"],
    ] as const) {
      await sql`
        update ${sql.table(table)} set lease_until = now() - interval '1 second'
        where rollout_id = ${id} and lease_until > now() and coalesce(${sql.ref(owner)}, '') not in (${alive})`.execute(
        database.db,
      );
    }
    await sql`update mfa_rollout_lane set paused_until = null where rollout_id = ${id}`.execute(database.db);
  }
}, 120_000);
