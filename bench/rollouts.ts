import { loadavg } from "node:os";
import { RolloutStore } from "../src/rollouts/rollout-store.ts";
import type { Bench } from "./support/bench.ts";
import { People } from "./support/people.ts";
import { CALM, LIMIT, RolloutWorld } from "./support/rollout-world.ts";
import { quantile } from "./support/rounds.ts";
import { verdict } from "./support/rows.ts";

const ACCOUNTS = 10;
/** The users of each account. */
const USERS = Number(process.env["USERS"] ?? 300);

/** Measures a rollout over ten accounts at CAM's rate, and the waits of people meanwhile. */
export const rollouts: Bench = {
  name: "rollouts",
  title: `a rollout over ${ACCOUNTS} accounts that accept ${LIMIT} calls a second of an action`,
  async run({ smoke, print }) {
    const users = smoke ? 20 : USERS;
    await using world = await RolloutWorld.open(users, ACCOUNTS, LIMIT);
    // A gateway would take a rollout without a plan for one whose planner died.
    const id = await world.start(users);
    const gateway = await world.accounts.startGateway(CALM);
    await world.untilApplied(id, 1);
    const people = new People(gateway);
    await world.untilOver(id);
    const waits = await people.stop();
    const tookMs = await world.durationMs(id);
    // The person reads in an account whose limit a lane uses.
    const idealMs = ((users + waits.length) * 1_000) / LIMIT;
    const { applied } = await new RolloutStore(world.database).counts(id);
    const { throttled } = world.accounts;
    const p95 = quantile(waits, 0.95);
    print(
      `${ACCOUNTS} accounts of ${users} users (load average ${loadavg()[0]?.toFixed(1)}), ${applied} applied`,
    );
    print(
      `  ${(tookMs / 1_000).toFixed(1)} s, ${((tookMs * LIMIT) / users / 1_000).toFixed(2)} times the items of a lane alone at CAM's limit`,
    );
    print(
      `  ${(tookMs / idealMs).toFixed(2)} times these and the reads of people at CAM's limit; ${verdict(tookMs / idealMs, { atMost: 1.15 }, smoke)}`,
    );
    print(`  throttled by CAM: ${throttled}; ${verdict(throttled, { atMost: 0 }, smoke)}`);
    print(
      `  ${waits.length} reads of people, p95 ${p95.toFixed(0)} ms; ${verdict(p95, { atMost: 150 }, smoke)}`,
    );
  },
};
