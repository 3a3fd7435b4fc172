import { loadavg } from "node:os";
import { sql } from "kysely";
import { verifyDatabase } from "../src/audit/verify-database.ts";
import type { FaultInput } from "../src/emulator/index.ts";
import type { Bench } from "./support/bench.ts";
import type { Program } from "./support/program.ts";
import { CALM, LIMIT, RolloutWorld } from "./support/rollout-world.ts";
import { verdict } from "./support/rows.ts";

/** With the defaults the bench ends within two minutes. */
const USERS = Number(process.env["USERS"] ?? 200);
const KILLS = Number(process.env["KILLS"] ?? 2);
const NONE = { atMost: 0 };
const ENV = {
  ...CALM,
  CAM_RATE_PER_SECOND: String(LIMIT),
  CAM_TIMEOUT_MS: "1000",
  CAM_DEADLINE_MS: "4000",
};

/** Replies that are lost after the write, that never come, and writes that CAM applies late. */
const FAULTS: readonly FaultInput[] = [
  { kind: "cutAfter", action: "SetMfaFlag", probability: 0.03 },
  { kind: "silence", action: "SetMfaFlag", apply: true, probability: 0.03 },
  { kind: "silence", action: "SetMfaFlag", apply: true, applyAfterMs: 1_500, probability: 0.03 },
];

/** Kills the replica that keeps the lane of a rollout, again and again. */
export const rolloutKills: Bench = {
  name: "rollout-kills",
  title: "kill -9 of replicas during a rollout, with lost and late replies",
  async run({ smoke, print }) {
    const [users, kills] = smoke ? [40, 1] : [USERS, KILLS];
    await using world = await RolloutWorld.open(users, 1, 1_000);
    const replicas = [await world.accounts.startGateway(ENV), await world.accounts.startGateway(ENV)];
    for (const { control } of world.accounts.emulators) {
      for (const fault of FAULTS) control.addFault(fault);
    }
    const id = await world.start(users);
    for (let kill = 1; kill <= kills; kill++) {
      await world.untilApplied(id, Math.floor((users * kill) / (kills + 1)));
      // The keeper of the lane dies, and the other replica continues.
      const at = await keeperOf(world, id, replicas);
      const victim = replicas[at];
      if (victim !== undefined) process.kill(victim.pid, "SIGKILL");
      replicas[at] = await world.accounts.startGateway(ENV);
    }
    await world.untilOver(id);
    const { rows } = await sql<{ missing: number; twice: number; repeated: number }>`
      select count(*) filter (where state <> 'applied')::integer as missing,
        count(*) filter (where (
          select count(*) from mfa_change c
          where c.rollout_id = i.rollout_id and c.rollout_item = i.item and c.status = 'applied'
        ) > 1)::integer as twice,
        count(*) filter (where attempt > 1)::integer as repeated
      from mfa_rollout_item i where rollout_id = ${id}`.execute(world.database.db);
    const { missing = -1, twice = -1, repeated = -1 } = rows[0] ?? {};
    const { problem } = await verifyDatabase(world.database.db, undefined);
    const off = usersWithoutPhone(world);
    const seconds = (await world.durationMs(id)) / 1_000;
    print(
      `one account of ${users} users, two replicas, ${kills} times kill -9, 9 % of replies lost or late: ` +
        `${seconds.toFixed(0)} s (load average ${loadavg()[0]?.toFixed(1)})`,
    );
    print(`  users without the change: ${missing + off}; ${verdict(missing + off, NONE, smoke)}`);
    print(`  users changed twice: ${twice}; ${verdict(twice, NONE, smoke)}`);
    print(`  users whose first attempt was not applied: ${repeated}`);
    const openMs = await longestOpenMs(world, id);
    print(
      `  the longest outcome was open for ${(openMs / 1_000).toFixed(1)} s; a dead replica's change is free after 14 s`,
    );
    print(`  the chains verify: ${problem === undefined ? "yes" : `no, ${problem.reason}`}`);
  },
};

/** Returns the place of the replica that keeps the lane. */
async function keeperOf(
  { database }: RolloutWorld,
  id: string,
  replicas: readonly Program[],
): Promise<number> {
  const { rows } = await sql<{ replica: string }>`
    select replica from mfa_change where rollout_id = ${id} order by begun desc limit 1`.execute(database.db);
  const at = replicas.findIndex(({ pid }) => rows[0]?.replica.includes(String(pid)));
  return Math.max(at, 0);
}

/** Returns the longest time from the record of a change to its outcome. */
async function longestOpenMs({ database }: RolloutWorld, id: string): Promise<number> {
  const { rows } = await sql<{ ms: number }>`
    select max(extract(epoch from i.settled_at - c.created_at) * 1000)::double precision as ms
    from mfa_rollout_item i join mfa_change c on c.id = i.change_id where i.rollout_id = ${id}`.execute(
    database.db,
  );
  return rows[0]?.ms ?? 0;
}

function usersWithoutPhone({ accounts }: RolloutWorld): number {
  const users = accounts.emulators.flatMap(({ control }) =>
    control.users().map(({ uin }) => control.user(uin)),
  );
  return users.filter((user) => user?.loginFlag.Phone !== 1).length;
}
