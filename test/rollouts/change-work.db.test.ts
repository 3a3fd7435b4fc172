import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import type { FaultInput } from "../../src/emulator/index.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { startChangeService } from "../support/start-change-service.ts";
import { ANN, by, hashOf, openRunWorld, settle } from "./run-world.ts";

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

const USERS = 3;

/** Items of an emulated account whose outcome is open after the first run, because CAM answered no write so. */
async function openItems(fault: FaultInput) {
  const { cam, client } = await startChangeService({ database });
  let isAllowed = true;
  const world = await openRunWorld(database, {
    ...{ call: (...call) => client.call(...call), deadlineMs: 3_000 },
    access: {
      authorise: async () => {
        if (isAllowed) return { approval: undefined };
        throw new GatewayError("FORBIDDEN", { rule: "policy no-more" });
      },
      requireNotGatewayIdentity: async () => undefined,
    },
  });
  const planned = await world.plan(USERS, { budget: USERS });
  const items = await world.rolloutStore.items(planned.id, {}, USERS);
  for (const { opUin: uin } of items) cam.putUser({ uin, name: uin, phone: "13800000000" });
  cam.addFault(fault);
  const replica = world.replica();
  await replica.orders.start(planned, hashOf(planned), by(ANN));
  await replica.idle();
  expect(await world.rolloutStore.counts(planned.id)).toMatchObject({ unknown: USERS });
  cam.clearFaults();
  cam.clearJournal();
  return {
    ...{ cam, world, replica },
    account: world.names[0] as string,
    counts: () => world.rolloutStore.counts(planned.id),
    writes: () => cam.journal().filter(({ action }) => action === "SetMfaFlag").length,
    phones: () => items.map(({ opUin }) => cam.user(opUin)?.loginFlag.Phone),
    forbid() {
      isAllowed = false;
    },
    /** Moves on to the next read of each user, and lets the lane of a replica look once. */
    async look({ runner, idle }: Pick<ReturnType<typeof world.replica>, "runner" | "idle"> = replica) {
      await sql`
        update mfa_change set lease_until = now() - interval '1 second'
        where rollout_id = ${planned.id} and hash is null`.execute(database.db);
      await runner.advance();
      await idle();
    },
    open(owner = replica.runStore.owner, limit = 1) {
      const lane = { rolloutId: planned.id, account: world.names[0] as string, leaseOwner: owner };
      return replica.rolloutChangeStore.claimOpen(lane, limit, 60_000);
    },
    /** Keeps the lane, as a lane with other items to change does. */
    keep: () => replica.runStore.claim({ rolloutId: planned.id, account: world.names[0] as string }, 0, 0),
    rolloutId: planned.id,
  };
}

const WRITE = { action: "SetMfaFlag" } as const;
const LOST: FaultInput = { ...WRITE, kind: "cutBefore" };
const LATE: FaultInput = { ...WRITE, kind: "httpStatus", status: 504, apply: true, applyAfterMs: 3_600_000 };

describe("a lane repeats a write without an outcome at its next look", () => {
  test.each<readonly [what: string, fault: FaultInput]>([
    ["whose connection broke before CAM had it", LOST],
    ["that CAM applies late", LATE],
    ["that a proxy answered instead of CAM", { ...WRITE, kind: "httpStatus", status: 503 }],
  ])("%s", async (_, fault) => {
    const { cam, counts, look, writes, phones } = await openItems(fault);
    await look();
    expect(await counts()).toMatchObject({ applied: USERS, unknown: 0 });
    expect(writes()).toBe(USERS);
    // What arrives late is identical.
    cam.setClock({ advanceMs: 7_200_000 });
    expect(phones()).toEqual(Array(USERS).fill(1));
  });

  test("of a replica that is gone, as the process that takes over", async () => {
    const { counts, look, world, writes } = await openItems(LOST);
    await look(world.replica());
    expect(await counts()).toMatchObject({ applied: USERS });
    expect(writes()).toBe(USERS);
  });
});

describe("a lane does not write again", () => {
  test("what a read shows", async () => {
    const { cam, counts, look, writes, phones } = await openItems(LATE);
    cam.setClock({ advanceMs: 7_200_000 });
    await look();
    expect(await counts()).toMatchObject({ applied: USERS });
    expect([writes(), phones()]).toEqual([0, Array(USERS).fill(1)]);
  });

  test("what the policy has come to forbid, and reads the users as a reconciler does", async () => {
    const { counts, forbid, look, writes, rolloutId } = await openItems(LOST);
    forbid();
    await look();
    expect(await counts()).toMatchObject({ unknown: USERS });
    expect(writes()).toBe(0);
    const { rows } = await sql`
      select distinct read_backs, lease_until > now() as waits from mfa_change where rollout_id = ${rolloutId}`.execute(
      database.db,
    );
    expect(rows).toEqual([{ read_backs: 1, waits: true }]);
  });

  test("a user who has another protection now", async () => {
    const { cam, counts, look, writes, world, rolloutId } = await openItems(LOST);
    const [other] = await world.rolloutStore.items(rolloutId, {}, 1);
    cam.putUser({ uin: other?.opUin ?? "", actionFlag: { Wechat: 1 } });
    await look();
    expect(await counts()).toMatchObject({ applied: USERS - 1, unknown: 1 });
    expect(writes()).toBe(USERS - 1);
  });
});

describe("an open change", () => {
  test("is left to the lane while it is kept, and to a reconciler while the rollout is paused", async () => {
    const { account, keep, open, replica, rolloutId } = await openItems(LOST);
    await sql`update mfa_change set lease_until = now() - interval '1 second' where rollout_id = ${rolloutId}`.execute(
      database.db,
    );
    const reconcile = () => replica.log.claim(account, 5, 60_000);
    await keep();
    // A look of the lane that claims nothing keeps reconcilers from its changes too.
    expect(await open(undefined, 0)).toEqual([]);
    expect(await reconcile()).toEqual([]);
    expect(await open("another process")).toEqual([]);
    expect(await open()).toHaveLength(1);
    await replica.runStore.pause(rolloutId, undefined, undefined);
    expect(await open()).toEqual([]);
    await sql`update mfa_rollout_lane set resolves_until = now() where rollout_id = ${rolloutId}`.execute(
      database.db,
    );
    // The claimed one stays with its claim.
    expect(await reconcile()).toHaveLength(USERS - 1);
  });

  test("opens again for the latest claim only, and once", async () => {
    const { keep, open, replica, rolloutId } = await openItems(LOST);
    const claim = async () => {
      await sql`update mfa_change set lease_until = now() - interval '1 second' where rollout_id = ${rolloutId}`.execute(
        database.db,
      );
      const [claimed] = await open();
      if (claimed === undefined) throw new Error("Nothing is open.");
      return claimed;
    };
    await keep();
    const [first, second] = [await claim(), await claim()];
    expect(second.record.id).toBe(first.record.id);
    expect(await replica.rolloutChangeStore.reopen(first, 1_000)).toBe(false);
    expect(await replica.rolloutChangeStore.reopen(second, 1_000)).toBe(true);
    expect(await replica.rolloutChangeStore.reopen(second, 1_000)).toBe(false);
    expect(await replica.log.find(first.record.id)).toMatchObject({ status: "pending" });
  });
});

test("the lane and the reconcilers of two replicas end what is open without help, each user once", async () => {
  const { cam, counts, replica, world, phones, rolloutId } = await openItems(LOST);
  const replicas = [replica, world.replica()];
  while ((await counts()).unknown > 0) {
    await Promise.all(replicas.flatMap(({ runner, reconcile }) => [runner.advance(), reconcile()]));
    await Promise.all(replicas.map(({ idle }) => idle()));
  }
  await settle(replica);
  expect(await world.found(rolloutId)).toMatchObject({ status: "done" });
  expect(phones()).toEqual(Array(USERS).fill(1));
  expect(cam.journal().filter(({ action }) => action === "SetMfaFlag").length).toBe(USERS);
});
