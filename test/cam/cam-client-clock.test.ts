import { expect, test } from "vitest";
import { setMfaFlag } from "../../src/cam/index.ts";
import type { Uin } from "../../src/contract/index.ts";
import { createCam, createEmulatedCam, within } from "../support/create-cam.ts";
import { JumpingClock } from "../support/fake-clock.ts";
import { refusal, startStubCam } from "../support/start-stub-cam.ts";

const WRITE = {
  opUin: "100021969091" as Uin,
  login: { phone: false, stoken: true, wechat: false },
};
const TEN_MINUTES_MS = 600_000;
const EXPIRED = "AuthFailure.SignatureExpire";
const httpDate = (ms: number) => new Date(ms).toUTCString();

test.each([TEN_MINUTES_MS, -TEN_MINUTES_MS])(
  "with CAM's clock %d ms off, the first call is corrected once, and later calls use the corrected time",
  async (offsetMs) => {
    const { emulator, client, clock, attempts, quota } = await createEmulatedCam();
    emulator.control.setClock({ offsetMs });
    await client.call(setMfaFlag, WRITE, within(clock));
    expect(attempts).toMatchObject([
      { attempt: 1, error: { camCode: EXPIRED }, next: { retryInMs: 0 } },
      { attempt: 2, error: undefined },
    ]);
    expect(quota.outcomes).toEqual(["ANSWERED", "ANSWERED"]);
    await client.call(setMfaFlag, WRITE, within(clock));
    await client.call(setMfaFlag, WRITE, within(clock));
    expect(emulator.control.journal().map(({ outcome }) => outcome)).toEqual([
      EXPIRED,
      "Success",
      "Success",
      "Success",
    ]);
  },
);

test("concurrent calls with a wrong clock are each corrected at most once", async () => {
  const { emulator, client, clock } = await createEmulatedCam();
  emulator.control.setClock({ offsetMs: TEN_MINUTES_MS });
  await Promise.all(Array.from({ length: 8 }, () => client.call(setMfaFlag, WRITE, within(clock))));
  const outcomes = emulator.control.journal().map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === "Success")).toHaveLength(8);
  expect(outcomes.filter((outcome) => outcome === EXPIRED).length).toBeLessThanOrEqual(8);
});

test("the gateway follows CAM's clock back to the right time", async () => {
  const { emulator, client, clock, skew } = await createEmulatedCam();
  emulator.control.setClock({ offsetMs: TEN_MINUTES_MS });
  await client.call(setMfaFlag, WRITE, within(clock));
  expect(skew.skewMs).toBeGreaterThan(TEN_MINUTES_MS - 5_000);
  emulator.control.setClock({ offsetMs: 0 });
  await client.call(setMfaFlag, WRITE, within(clock));
  expect(skew.skewMs).toBe(0);
});

const NOW_MS = Date.UTC(2026, 10, 24, 12);

test.each([
  ["no Date", {}],
  ["an invalid Date", { date: "yesterday, about noon" }],
  ["an empty Date", { date: "" }],
  ["a Date that agrees with the gateway's clock", { date: httpDate(NOW_MS) }],
])("an expired signature with %s fails after one attempt", async (_, headers) => {
  const cam = await startStubCam(refusal(EXPIRED, headers));
  const { client, clock } = createCam(cam.url, { clock: new JumpingClock(NOW_MS) });
  await expect(client.call(setMfaFlag, WRITE, within(clock))).rejects.toMatchObject({
    kind: "REFUSED",
    camCode: EXPIRED,
    attempts: 1,
  });
  expect(cam.requests).toHaveLength(1);
});

test("an expired signature without a Date fails after one attempt, even after a slow reply", async () => {
  const clock = new JumpingClock(NOW_MS);
  const cam = await startStubCam((socket, request) => {
    void clock.advance(4_900).then(() => refusal(EXPIRED)(socket, request));
  });
  const { client } = createCam(cam.url, { clock, config: { timeoutMs: 60_000 } });
  await clock.advance(200);
  await expect(client.call(setMfaFlag, WRITE, within(clock))).rejects.toMatchObject({ attempts: 1 });
});

test("a call corrects its clock once: a second expired signature fails the call", async () => {
  const cam = await startStubCam(
    refusal(EXPIRED, { date: httpDate(NOW_MS + TEN_MINUTES_MS) }),
    refusal(EXPIRED, { date: httpDate(NOW_MS + 2 * TEN_MINUTES_MS) }),
  );
  const { client, clock } = createCam(cam.url, { clock: new JumpingClock(NOW_MS) });
  await expect(client.call(setMfaFlag, WRITE, within(clock))).rejects.toMatchObject({
    camCode: EXPIRED,
    attempts: 2,
  });
  expect(cam.requests.map((text) => /^x-tc-timestamp: *(\d+)/im.exec(text)?.[1])).toEqual([
    String(NOW_MS / 1_000),
    String((NOW_MS + TEN_MINUTES_MS) / 1_000),
  ]);
});
