import { expect, test } from "vitest";
import { refreshInMs, retryInMs } from "../../../src/cam/credentials/credential.ts";
import { type Credential, CredentialCache, CredentialError } from "../../../src/cam/index.ts";
import { Secret } from "../../../src/secret.ts";
import { FakeClock } from "../../support/fake-clock.ts";

interface Texts {
  readonly id?: string;
  readonly key?: string;
  readonly token?: string;
}

/** A cache with a chain whose loads the test completes. */
function createCache() {
  const clock = new FakeClock();
  const loads: PromiseWithResolvers<Credential>[] = [];
  const load = () => {
    const loading = Promise.withResolvers<Credential>();
    loads.push(loading);
    return loading.promise;
  };
  const cache = new CredentialCache({ clock, chain: { name: "test", load } });
  const answer = ({ id = "AKIDTEST", key = "key", token }: Texts = {}) =>
    loads.at(-1)?.resolve({
      secretId: id,
      secretKey: new Secret(key),
      ...(token === undefined ? {} : { token: new Secret(token) }),
    });
  return { cache, clock, loads, answer };
}

test("concurrent calls share one load of the provider", async () => {
  const { cache, loads, answer } = createCache();
  const asking = Promise.all(Array.from({ length: 50 }, () => cache.get()));
  expect(loads).toHaveLength(1);
  answer();
  expect(new Set(await asking).size).toBe(1);
  await cache.get();
  expect(loads).toHaveLength(1);
});

test("a failed load rejects all waiting calls and is not cached", async () => {
  const { cache, loads, answer } = createCache();
  const asking = Promise.allSettled([cache.get(), cache.get()]);
  loads[0]?.reject(new CredentialError("Half a key pair."));
  expect((await asking).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const again = cache.get();
  expect(loads).toHaveLength(2);
  answer();
  await expect(again).resolves.toMatchObject({ secretId: "AKIDTEST" });
});

test("a credential is loaded again after a minute", async () => {
  const { cache, clock, loads, answer } = createCache();
  const first = cache.get();
  answer();
  await first;
  await clock.advance(59_999);
  await cache.get();
  expect(loads).toHaveLength(1);
  await clock.advance(1);
  const second = cache.get();
  expect(loads).toHaveLength(2);
  answer({ id: "AKIDROTATED" });
  await expect(second).resolves.toMatchObject({ secretId: "AKIDROTATED" });
});

test.each([
  { what: "the same key", before: { token: "t" }, after: { token: "t" }, same: true },
  { what: "another id", before: {}, after: { id: "AKIDOTHER" }, same: false },
  { what: "another key", before: {}, after: { key: "other" }, same: false },
  { what: "another token", before: { token: "t" }, after: { token: "u" }, same: false },
  { what: "an added token", before: {}, after: { token: "t" }, same: false },
  { what: "a removed token", before: { token: "t" }, after: {}, same: false },
])("after the next load, $what is the same object: $same", async ({ before, after, same }) => {
  const { cache, clock, answer } = createCache();
  const first = cache.get();
  answer(before);
  const held = await first;
  await clock.advance(60_000);
  const second = cache.get();
  answer(after);
  const found = await second;
  expect(found === held).toBe(same);
  expect(found.secretKey === held.secretKey).toBe(same);
});

const TWO_HOURS_MS = 7_200_000;

test.each([
  { leftMs: undefined, chance: 0.9, expected: 60_000, why: "a file is read every minute" },
  { leftMs: TWO_HOURS_MS, chance: 0, expected: 5_760_000, why: "a fifth of two hours is left" },
  { leftMs: TWO_HOURS_MS, chance: 1, expected: 5_040_000, why: "three tenths are left" },
  { leftMs: 1_000, chance: 0.5, expected: 1_000, why: "never more often than once a second" },
  { leftMs: -5, chance: 0.5, expected: 1_000, why: "a key that is already over" },
])("a key is refreshed after $expected ms: $why", ({ leftMs, chance, expected }) => {
  expect(refreshInMs(leftMs, chance)).toBeCloseTo(expected);
});

test.each([
  { leftMs: undefined, expected: 6_000 },
  { leftMs: 600_000, expected: 60_000 },
  { leftMs: 500, expected: 1_000 },
])("with $leftMs ms left, a failed refresh is retried after $expected ms", ({ leftMs, expected }) => {
  expect(retryInMs(leftMs)).toBe(expected);
});
