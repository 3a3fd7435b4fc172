import { expect, test } from "vitest";
import { fuzz } from "../support/fuzz/fuzz.ts";
import { LOCAL_KEY, startGateway, UNLIMITED } from "../support/start-gateway.ts";

/** `npm run bench -- fuzzing` sends ten times as many requests and also measures memory. */
const REQUESTS = 2_000;

test(`${REQUESTS} malformed requests crash nothing and leak nothing`, async () => {
  const env = { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0" };
  const { gateway, logLines } = await startGateway({ ...UNLIMITED, env });
  const secrets = [LOCAL_KEY.TENCENTCLOUD_SECRET_KEY];
  const { origin } = new URL(gateway.address.url);
  const { findings, countOfStatus } = await fuzz({ origin, requests: REQUESTS, seed: 4, secrets });
  expect(findings).toEqual([]);
  expect(Object.keys(countOfStatus)).toEqual(
    expect.arrayContaining(["200", "400", "403", "404", "405", "406"]),
  );
  expect(logLines.filter((line) => line.includes(LOCAL_KEY.TENCENTCLOUD_SECRET_KEY))).toEqual([]);
  expect(logLines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
}, 180_000);
