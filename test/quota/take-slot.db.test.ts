import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { SlotStore, type TakeSlotAnswer, type TakeSlotRequest } from "../../src/quota/slot-store.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type FakeTimeDatabase, openFakeTimeDatabase } from "./fake-database-time.ts";

const START_MS = Date.UTC(2026, 10, 24, 12);
/** A second and the guard. */
const WINDOW_MS = 1_025;
const LIMIT = 5;
const PACE_MS = WINDOW_MS / LIMIT;
/** The distance of two slots of people is a tenth of an even pace; before bulk work it is nine tenths. */
const PEOPLE_APART_MS = PACE_MS * 0.1;
const BULK_APART_MS = PACE_MS * 0.9;

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  let fake: FakeTimeDatabase;
  let windows = 0;

  beforeAll(async () => {
    fake = await openFakeTimeDatabase(kind);
  });

  /** A window for one test, with times counted from the start of the test. */
  async function openWindow() {
    const store = new SlotStore({ database: fake.database, clock: new FakeClock() });
    const key = { secretId: "AKIDTEST", action: `Action${windows++}` };
    const at = (ms: number) => fake.setTime(START_MS + ms);
    await at(0);
    const take = async (more: Partial<TakeSlotRequest> = {}) => {
      const question = {
        replica: "r1",
        ratePerSecond: LIMIT,
        bulk: false,
        withinMs: 60_000,
        adjustments: [],
        wantsOutlook: true,
      };
      return relative(await store.take(key, { ...question, ...more }));
    };
    const adjust = (...adjustments: readonly (readonly [slotMs: number, toMs?: number])[]) =>
      adjustments.map(([slotMs, toMs]) => ({
        slotMs: START_MS + slotMs,
        toMs: toMs === undefined ? undefined : START_MS + toMs,
      }));
    const backOff = (slotMs: number) => store.backOff(key, START_MS + slotMs);
    return { store, key, at, take, adjust, backOff };
  }

  function relative(answer: TakeSlotAnswer) {
    const { granted, slotMs, windowMs, outlook } = answer;
    const { backoff, latest = [], owners = [], bulk } = outlook ?? {};
    return {
      granted,
      ms: round(slotMs - START_MS),
      windowMs,
      backoff,
      slots: latest.map((ms) => round(ms - START_MS)),
      /** The number of different replicas that have slots. */
      owners: new Set(owners).size,
      bulk,
    };
  }

  test("an empty window gives a slot now", async () => {
    const { take } = await openWindow();
    await expect(take()).resolves.toMatchObject({ granted: true, ms: 0, windowMs: WINDOW_MS, slots: [0] });
  });

  test("slots that are taken at the same time lie a little apart", async () => {
    const { take } = await openWindow();
    const taken = [await take(), await take(), await take()];
    expect(taken.map(({ ms }) => ms)).toEqual([0, PEOPLE_APART_MS, 2 * PEOPLE_APART_MS]);
  });

  test("behind a full window the next slot comes a window after the first", async () => {
    const { take, at } = await openWindow();
    for (let slot = 0; slot < LIMIT; slot++) {
      await at(slot * 100);
      await take();
    }
    await expect(take()).resolves.toMatchObject({ granted: true, ms: WINDOW_MS });
    await expect(take()).resolves.toMatchObject({ granted: true, ms: 100 + WINDOW_MS });
    await at(10_000);
    await expect(take()).resolves.toMatchObject({ granted: true, ms: 10_000 });
  });

  test("the row keeps the slots of a window and of the second before it, with their owners", async () => {
    const { take, at } = await openWindow();
    for (let slot = 0; slot < LIMIT + 2; slot++) {
      await at(slot * 1_000);
      await take({ replica: `r${slot % 2}` });
    }
    const { slots, owners } = await take({ withinMs: -1 });
    expect(slots).toEqual([4_000, 5_000, 6_000]);
    expect(owners).toBe(2);
  });

  test("an answer has an outlook only on request, and never a long one", async () => {
    const { take, at, store, key } = await openWindow();
    await expect(take({ wantsOutlook: false })).resolves.toMatchObject({ slots: [], bulk: undefined });
    for (let slot = 0; slot < 60; slot++) await take({ ratePerSecond: 100 });
    await at(900);
    const outlook = (await store.read(key.secretId, 100, "r1")).get(key.action);
    expect(outlook).toMatchObject({ taken: 61, used: 61 });
    expect(outlook?.latest).toHaveLength(40);
    // Of the next forty places 39 are unused.
    expect(outlook?.leaving).toHaveLength(1);
    const full = (await store.read(key.secretId, 50, "r1")).get(key.action);
    expect(full?.leaving).toHaveLength(40);
  });

  test("giving up a future slot does not open a window that is full without it", async () => {
    const { take, adjust } = await openWindow();
    for (let slot = 0; slot < LIMIT; slot++) await take();
    const ahead = await take();
    const { ms } = await take({ adjustments: adjust([ahead.ms]) });
    expect(ms).toBe(ahead.ms);
  });

  test("a slot that lies too far ahead is not given, and the row stays as it was", async () => {
    const { take, key } = await openWindow();
    for (let slot = 0; slot < LIMIT; slot++) await take();
    const row = () =>
      sql`select xmin, * from quota_window where action = ${key.action}`.execute(fake.database.db);
    const before = (await row()).rows;
    const refused = await take({ withinMs: WINDOW_MS - 1 });
    expect(refused).toMatchObject({ granted: false, ms: WINDOW_MS });
    expect((await row()).rows).toEqual(before);
    await expect(take({ withinMs: WINDOW_MS })).resolves.toMatchObject({ granted: true, ms: WINDOW_MS });
  });

  test("bulk work goes nearly at an even pace, and a refusal contains the time of the next slot", async () => {
    const { take, at } = await openWindow();
    await expect(take({ bulk: true, withinMs: 0 })).resolves.toMatchObject({ granted: true, ms: 0 });
    await at(BULK_APART_MS - 1);
    const early = await take({ bulk: true, withinMs: 0 });
    expect(early).toMatchObject({ granted: false, ms: BULK_APART_MS });
    await at(BULK_APART_MS);
    await expect(take({ bulk: true, withinMs: 0 })).resolves.toMatchObject({
      granted: true,
      ms: BULK_APART_MS,
      bulk: [true, true],
    });
  });

  test("people behind bulk work wait no longer than its pace", async () => {
    const { take, at } = await openWindow();
    for (let slot = 0; slot < 3 * LIMIT; slot++) {
      await at(slot * PACE_MS);
      await take({ bulk: true, withinMs: 0 });
    }
    const nowMs = (3 * LIMIT - 1) * PACE_MS;
    const person = await take();
    expect(person.ms - nowMs).toBeLessThanOrEqual(PACE_MS);
  });

  test("an unused slot makes its place free, and only its owner can report it", async () => {
    const { take, adjust } = await openWindow();
    for (let slot = 0; slot < LIMIT; slot++) await take();
    const stranger = await take({ withinMs: 500, replica: "r2", adjustments: adjust([PEOPLE_APART_MS]) });
    expect(stranger.granted).toBe(false);
    const owner = await take({ withinMs: 500, adjustments: adjust([PEOPLE_APART_MS]) });
    expect(owner).toMatchObject({ granted: true, ms: LIMIT * PEOPLE_APART_MS });
    expect(owner.slots).not.toContain(PEOPLE_APART_MS);
  });

  test("a late call holds its place longer by its delay", async () => {
    const { take, adjust, at } = await openWindow();
    for (let slot = 0; slot < LIMIT; slot++) await take();
    await at(300);
    const { slots } = await take({ withinMs: -1, adjustments: adjust([0, 150]) });
    expect(slots).toEqual([1, 2, 3, 4].map((slot) => slot * PEOPLE_APART_MS).concat(150));
    await expect(take()).resolves.toMatchObject({ ms: PEOPLE_APART_MS + WINDOW_MS });
  });

  test("a throttle fills the window for all replicas and widens it, and the window narrows again with time", async () => {
    const { take, backOff, at } = await openWindow();
    await take();
    await at(50);
    await expect(backOff(0)).resolves.toBe(true);
    await expect(take({ replica: "r2" })).resolves.toMatchObject({
      ms: 50 + 1_250 + 25,
      windowMs: 1_275,
      backoff: 0.25,
    });
    await at(15_050);
    await expect(take()).resolves.toMatchObject({ windowMs: 1_150 });
    await at(5 * 60_000);
    await expect(take()).resolves.toMatchObject({ windowMs: WINDOW_MS, backoff: 0 });
  });

  test("several throttles of one window count once, and the window is never wider than two seconds", async () => {
    const { take, backOff, at } = await openWindow();
    await take();
    await take();
    await expect(backOff(0)).resolves.toBe(true);
    await expect(backOff(PEOPLE_APART_MS)).resolves.toBe(false);
    for (let time = 1; time < 10; time++) {
      await at(time * 3_000);
      await backOff(time * 3_000);
    }
    const { backoff } = await take();
    expect(backoff).toBeGreaterThan(0.8);
    expect(backoff).toBeLessThanOrEqual(1);
  });

  test("a database clock that is set back makes calls wait, and no call goes too early", async () => {
    const { take, at } = await openWindow();
    await at(5_000);
    await take();
    await at(0);
    await expect(take()).resolves.toMatchObject({ ms: 5_000 + PEOPLE_APART_MS });
  });

  test("the limit may be lowered and raised while calls continue", async () => {
    const { take } = await openWindow();
    for (let slot = 0; slot < LIMIT; slot++) await take();
    const lower = await take({ ratePerSecond: 2 });
    expect(lower.ms).toBe(3 * PEOPLE_APART_MS + WINDOW_MS);
    const higher = await take({ ratePerSecond: LIMIT });
    expect(higher.ms).toBeGreaterThanOrEqual(lower.ms);
  });

  test("windows of keys that were not used for a long time are deleted", async () => {
    const { take, at, key } = await openWindow();
    await take();
    await at(2 * 86_400_000);
    const other = await openWindow();
    await fake.setTime(START_MS + 2 * 86_400_000);
    await other.take();
    const { rows } = await sql<{ action: string }>`
      select action from quota_window where action in (${key.action}, ${other.key.action})`.execute(
      fake.database.db,
    );
    expect(rows).toEqual([{ action: other.key.action }]);
  });

  test("the windows of a key can be read without taking a slot", async () => {
    const { take, store, key, backOff } = await openWindow();
    await take();
    await backOff(0);
    const windows = await store.read(key.secretId, LIMIT, "r1");
    const outlook = windows.get(key.action);
    expect(outlook).toMatchObject({
      nowMs: START_MS,
      windowMs: 1_275,
      backoff: 0.25,
      pausedUntil: START_MS + 1_275,
      latest: [START_MS],
      bulk: [false],
    });
    expect(outlook?.owners).toEqual([outlook?.owner]);
  });
});

/** The precision of a double for milliseconds since 1970: a quarter of a microsecond. */
function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
