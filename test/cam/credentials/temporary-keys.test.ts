import { expect, test } from "vitest";
import { type Credential, CredentialCache, CredentialError } from "../../../src/cam/index.ts";
import { Secret } from "../../../src/secret.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;

/** A cache with a chain of keys that last an hour. The test completes each load. */
function createCache() {
  const clock = new FakeClock();
  const loads: PromiseWithResolvers<Credential>[] = [];
  const failures: unknown[] = [];
  const load = () => {
    const loading = Promise.withResolvers<Credential>();
    loads.push(loading);
    return loading.promise;
  };
  const cache = new CredentialCache({
    clock,
    chain: { name: "test", load },
    observer: { onLoaded: () => undefined, onRefreshFailed: (error) => failures.push(error) },
  });
  const answer = (secretId: string, lastsMs = HOUR_MS) =>
    loads.at(-1)?.resolve({
      secretId,
      secretKey: new Secret(`key of ${secretId}`),
      token: new Secret("t"),
      expiresAtMs: clock.now() + lastsMs,
    });
  const fail = () => loads.at(-1)?.reject(new CredentialError("STS is unavailable."));
  /** Loads the first key into the cache. */
  const first = async () => {
    const loading = cache.get();
    answer("AKIDFIRST");
    return loading;
  };
  const idNow = async () => (await cache.get()).secretId;
  return { cache, clock, loads, failures, answer, fail, first, idNow };
}

test("a key is used without a reload until a quarter of its life is left", async () => {
  const { clock, loads, first, idNow } = createCache();
  await first();
  await clock.advance(0.75 * HOUR_MS - 1);
  expect(await idNow()).toBe("AKIDFIRST");
  expect(loads).toHaveLength(1);
});

test("a key is then renewed once in the background, while calls use the old one", async () => {
  const { clock, loads, answer, first, idNow } = createCache();
  await first();
  await clock.advance(0.75 * HOUR_MS);
  expect(await Promise.all(Array.from({ length: 50 }, idNow))).toEqual(Array(50).fill("AKIDFIRST"));
  expect(loads).toHaveLength(2);
  answer("AKIDSECOND");
  await clock.advance(0);
  expect(await idNow()).toBe("AKIDSECOND");
});

test("if the renewal fails, the old key is used until its end, and renewals are spaced", async () => {
  const { clock, loads, failures, fail, first, idNow } = createCache();
  await first();
  await clock.advance(0.75 * HOUR_MS);
  await idNow();
  fail();
  await clock.advance(1_000);
  expect(await idNow()).toBe("AKIDFIRST");
  expect(loads).toHaveLength(2);
  expect(failures).toEqual([expect.objectContaining({ message: "STS is unavailable." })]);
  await clock.advance(0.1 * 0.25 * HOUR_MS);
  expect(await idNow()).toBe("AKIDFIRST");
  expect(loads).toHaveLength(3);
  fail();
  await clock.advance(0.25 * HOUR_MS - 1_000 - 0.1 * 0.25 * HOUR_MS - 1);
  expect(await idNow()).toBe("AKIDFIRST");
});

test("an expired key is not used: calls wait for the next key or fail with the error of its load", async () => {
  const { cache, clock, loads, answer, fail, first } = createCache();
  await first();
  await clock.advance(HOUR_MS);
  const refused = [cache.get(), cache.get()];
  expect(loads).toHaveLength(2);
  fail();
  for (const call of refused) await expect(call).rejects.toThrow("STS is unavailable.");
  const waiting = [cache.get(), cache.get()];
  expect(loads).toHaveLength(3);
  answer("AKIDSECOND");
  for (const call of waiting) await expect(call).resolves.toMatchObject({ secretId: "AKIDSECOND" });
});

test("a source that always returns the same key is loaded at shrinking intervals, not at every call", async () => {
  const { clock, loads, answer, first, idNow } = createCache();
  await first();
  const endMs = clock.now() + HOUR_MS;
  for (let second = 0; second < HOUR_MS / 1_000 - 1; second++) {
    await clock.advance(1_000);
    const before = loads.length;
    await idNow();
    if (loads.length > before) answer("AKIDFIRST", endMs - clock.now());
  }
  expect(loads.length).toBeLessThan(12);
});

test("a refused key is replaced once for all calls that it failed", async () => {
  const { cache, loads, answer, first } = createCache();
  const refused = await first();
  const replacing = Promise.all(Array.from({ length: 50 }, () => cache.replace(refused)));
  expect(loads).toHaveLength(2);
  answer("AKIDSECOND");
  expect(new Set(await replacing)).toEqual(new Set([true]));
  expect(await cache.replace(refused)).toBe(true);
  expect(loads).toHaveLength(2);
});

test("a load that began before the refusal of a key is followed by another load", async () => {
  const { cache, clock, loads, answer, first, idNow } = createCache();
  const refused = await first();
  await clock.advance(0.75 * HOUR_MS);
  await idNow();
  const replacing = Promise.all(Array.from({ length: 50 }, () => cache.replace(refused)));
  expect(loads).toHaveLength(2);
  answer("AKIDFIRST");
  await clock.advance(0);
  expect(loads).toHaveLength(3);
  answer("AKIDSECOND");
  expect(new Set(await replacing)).toEqual(new Set([true]));
});

test("a refused key whose source has no other key is loaded again only after a second", async () => {
  const { cache, clock, loads, answer, fail, first } = createCache();
  const refused = await first();
  const replacing = cache.replace(refused);
  answer("AKIDFIRST");
  expect(await replacing).toBe(false);
  expect(await cache.replace(refused)).toBe(false);
  expect(loads).toHaveLength(2);
  await clock.advance(1_000);
  const again = cache.replace(refused);
  expect(loads).toHaveLength(3);
  fail();
  expect(await again).toBe(false);
});
