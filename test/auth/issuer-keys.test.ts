import type { FlattenedJWSInput } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { IssuerKeys, KeysUnavailable } from "../../src/auth/issuer-keys.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createKey, publicJwk } from "../support/start-issuer.ts";

const MINUTE_MS = 60_000;
const first = JSON.stringify({ keys: [await publicJwk(await createKey("first"))] });
const second = JSON.stringify({ keys: [await publicJwk(await createKey("second"))] });
const AWAY = new Error("the issuer does not answer");

let clock: FakeClock;
/** The result of the next load. */
let answer: string | Error;
let loads: number;
let seen: string[];
let keys: IssuerKeys;

beforeEach(() => {
  clock = new FakeClock();
  answer = first;
  loads = 0;
  seen = [];
  const observer = {
    onKeysLoaded: (isNew: boolean) => void (isNew && seen.push("loaded")),
    onKeysUnavailable: () => void seen.push("away"),
  };
  keys = new IssuerKeys({
    load: async () => {
      loads += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    clock,
    observer,
  });
});

function find(kid: string): Promise<unknown> {
  return Promise.resolve(keys.find({ alg: "RS256", kid }, {} as FlattenedJWSInput));
}

test("the first request loads the keys, once for all concurrent requests", async () => {
  expect(loads).toBe(0);
  await Promise.all([find("first"), find("first"), keys.ready()]);
  expect(loads).toBe(1);
});

test("fresh keys are not loaded again", async () => {
  await find("first");
  await clock.advance(5 * MINUTE_MS);
  await find("first");
  expect(loads).toBe(1);
});

test("stale keys serve while a reload runs in the background", async () => {
  const before = await keys.ready();
  await clock.advance(5 * MINUTE_MS + 1);
  answer = second;
  expect(keys.current).toBe(before);
  await clock.advance(0);
  expect(loads).toBe(2);
  await expect(find("first")).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  await find("second");
});

test("a reload of identical keys keeps the same set", async () => {
  const before = await keys.ready();
  await clock.advance(5 * MINUTE_MS + 1);
  expect(keys.current).toBe(before);
  await clock.advance(0);
  expect({ loads, same: keys.current === before, seen }).toEqual({ loads: 2, same: true, seen: ["loaded"] });
});

describe("a token that names an unknown key", () => {
  test("reloads the keys and finds a new one immediately", async () => {
    await find("first");
    await clock.advance(10_000);
    answer = second;
    await find("second");
    expect(loads).toBe(2);
  });

  test("reloads them at most once in ten seconds, for any number of tokens", async () => {
    await find("first");
    for (let at = 0; at < 50; at++) {
      await clock.advance(1_000);
      await expect(find(`unknown-${at}`)).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
    }
    expect(loads).toBe(1 + 5);
  });

  test("shares one reload with concurrent tokens", async () => {
    await find("first");
    await clock.advance(10_000);
    answer = second;
    await Promise.all([find("second"), find("second"), find("second")]);
    expect(loads).toBe(2);
  });
});

describe("while the issuer is unavailable", () => {
  test("the loaded keys serve for twelve hours", async () => {
    await find("first");
    answer = AWAY;
    for (let hours = 0; hours < 12; hours++) {
      await clock.advance(60 * MINUTE_MS);
      await find("first");
      await clock.advance(0);
    }
    await clock.advance(1);
    await expect(find("first")).rejects.toThrow(KeysUnavailable);
    expect(keys.current).toBeUndefined();
  });

  test("an unknown key fails as unavailable, with the time until the next reload", async () => {
    await find("first");
    answer = AWAY;
    await clock.advance(10_000);
    await expect(find("second")).rejects.toMatchObject({ name: "KeysUnavailable", retryAfterMs: 10_000 });
    await clock.advance(4_000);
    await expect(find("second")).rejects.toMatchObject({ name: "KeysUnavailable", retryAfterMs: 6_000 });
    await find("first");
    expect(loads).toBe(2);
    answer = first;
    await clock.advance(6_000);
    await expect(find("second")).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
    answer = second;
    await clock.advance(10_000);
    await find("second");
  });

  test("a failed load is repeated at most once in ten seconds", async () => {
    answer = AWAY;
    await expect(find("first")).rejects.toThrow(KeysUnavailable);
    await expect(find("first")).rejects.toThrow(KeysUnavailable);
    expect({ loads, seen }).toEqual({ loads: 1, seen: ["away"] });
    await clock.advance(10_000);
    answer = first;
    await find("first");
    expect({ loads, seen }).toEqual({ loads: 2, seen: ["away", "loaded"] });
  });

  test.each([
    ["not JSON", "<html>"],
    ["not a key set", "{}"],
    ["null", "null"],
  ])("an answer that is %s keeps the loaded keys", async (_what, text) => {
    const before = await keys.ready();
    await clock.advance(5 * MINUTE_MS + 1);
    answer = text;
    expect(keys.current).toBe(before);
    await clock.advance(0);
    expect({ same: keys.current === before, seen }).toEqual({ same: true, seen: ["loaded", "away"] });
  });
});
