import { expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { SlotStore } from "../../src/quota/slot-store.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";

const REQUEST = {
  ratePerSecond: 20,
  bulk: false,
  withinMs: 5_000,
  adjustments: [],
  wantsOutlook: false,
};

const KEYS = Array.from({ length: 25 }, (_, account) => ({
  secretId: `AKID${account}`,
  action: "SetMfaFlag",
}));

async function openStore(url: string) {
  const database = await openTestPostgres(url);
  let statements = 0;
  const quota = new Proxy(database.quota, {
    get: (target, name) => {
      if (name === "connection") statements += 1;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const store = new SlotStore({ database: { ...database, quota }, clock: systemClock });
  return { store, statements: () => statements };
}

test("slots that are asked for together are taken by one statement, each for its own window", async () => {
  const { store, statements } = await openStore(await createTestPostgres());
  const take = () => Promise.all(KEYS.map((key) => store.take(key, { ...REQUEST, replica: "r1" })));
  expect((await take()).every(({ granted }) => granted)).toBe(true);
  expect(statements()).toBe(1);
  const second = await take();
  // Two slots of one window are a tenth of an even pace apart.
  for (const { slotMs, nowMs } of second) expect(slotMs - nowMs).toBeLessThan(10);
  expect(statements()).toBe(2);
});

test("replicas that take slots of the same windows in different orders do not wait for each other", async () => {
  const url = await createTestPostgres();
  const [one, other] = await Promise.all([openStore(url), openStore(url)]);
  for (let round = 0; round < 10; round++) {
    await Promise.all([
      ...KEYS.map((key) => one.store.take(key, { ...REQUEST, replica: "r1" })),
      ...KEYS.toReversed().map((key) => other.store.take(key, { ...REQUEST, replica: "r2" })),
    ]);
  }
  const windows = await one.store.read("AKID7", 20, "r1");
  expect(windows.get("SetMfaFlag")?.taken).toBe(20);
});

test("a failed statement fails each call that it was for, and the next one succeeds", async () => {
  const { store } = await openStore(await createTestPostgres());
  const bad = store.take({ secretId: "a", action: "b" }, { ...REQUEST, replica: "r1", ratePerSecond: 0.5 });
  await expect(bad).rejects.toMatchObject({ code: "22P02" });
  const [key] = KEYS;
  if (key === undefined) throw new Error("There is no key.");
  expect(await store.take(key, { ...REQUEST, replica: "r1" })).toMatchObject({ granted: true });
});
