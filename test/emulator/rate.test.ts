import { expect, test } from "vitest";
import { callCam, codeOf } from "./call-cam.ts";
import { startEmulator } from "./start-emulator.ts";

const read = { SubUin: 100021969091 };

/** Returns the outcomes of `count` sequential calls at one instant of the emulator's clock. */
async function outcomes(
  emulator: Awaited<ReturnType<typeof startEmulator>>,
  count: number,
): Promise<string[]> {
  const codes: string[] = [];
  for (let at = 0; at < count; at += 1) codes.push(await codeOf(emulator, "DescribeSafeAuthFlagColl", read));
  return codes;
}

const accepted = (codes: readonly string[]) => codes.filter((code) => code === "Success").length;

test("the 21st call in a second is refused with CAM's message", async () => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true });
  expect(accepted(await outcomes(emulator, 20))).toBe(20);
  const { Error: error } = await callCam(emulator, "DescribeSafeAuthFlagColl", read);
  expect(error).toEqual({
    Code: "RequestLimitExceeded",
    Message:
      "Your current request times equals to `21` in a second, which exceeds the frequency limit `20` for a second. Please reduce the frequency of calls.",
  });
});

test("by default every interval of 1,000 ms has at most 20 accepted calls", async () => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true });
  expect(accepted(await outcomes(emulator, 10))).toBe(10);
  emulator.control.setClock({ advanceMs: 600 });
  expect(accepted(await outcomes(emulator, 20))).toBe(10);
  emulator.control.setClock({ advanceMs: 399 });
  expect(accepted(await outcomes(emulator, 1))).toBe(0);
  emulator.control.setClock({ advanceMs: 1 });
  expect(accepted(await outcomes(emulator, 20))).toBe(10);
});

test("a refused call does not use up the limit", async () => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true });
  await outcomes(emulator, 40);
  emulator.control.setClock({ advanceMs: 1000 });
  expect(accepted(await outcomes(emulator, 20))).toBe(20);
});

test("a fixed window accepts twice the limit across its edge", async () => {
  const emulator = await startEmulator({ window: "fixed" });
  const { monotonicMs } = emulator.control.setClock({ frozen: true });
  emulator.control.setClock({ advanceMs: 1000 - (monotonicMs % 1000) + 990 });
  expect(accepted(await outcomes(emulator, 21))).toBe(20);
  emulator.control.setClock({ advanceMs: 20 });
  expect(accepted(await outcomes(emulator, 21))).toBe(20);
});

test("every key and every action has a separate limit", async () => {
  const emulator = await startEmulator({ ratePerSecond: 1 });
  emulator.control.setClock({ frozen: true });
  const other = { secretId: "AKIDMFAREQUIREDEXAMPLE", secretKey: "LocalExampleMfaRequiredKey" };
  expect(await codeOf(emulator, "DescribeSafeAuthFlagColl", read)).toBe("Success");
  expect(await codeOf(emulator, "DescribeSafeAuthFlagColl", read)).toBe("RequestLimitExceeded");
  expect(await codeOf(emulator, "ListUsers", {})).toBe("Success");
  expect(await codeOf(emulator, "DescribeSafeAuthFlagColl", read, other)).toBe("Success");
});

test("a business refusal counts towards the limit, and an unauthenticated call does not", async () => {
  const emulator = await startEmulator({ ratePerSecond: 2 });
  emulator.control.setClock({ frozen: true });
  expect(await codeOf(emulator, "GetUser", { Name: "alice" }, { secretKey: "wrong" })).toBe(
    "AuthFailure.SignatureFailure",
  );
  expect(await codeOf(emulator, "GetUser", { Name: "nobody" })).toBe("ResourceNotFound.UserNotExist");
  expect(await codeOf(emulator, "GetUser", {})).toBe("MissingParameter");
  expect(await codeOf(emulator, "GetUser", { Name: "alice" })).toBe("RequestLimitExceeded");
});

test("a skewed wall clock does not move the window", async () => {
  const emulator = await startEmulator({ ratePerSecond: 1 });
  emulator.control.setClock({ frozen: true });
  expect(await codeOf(emulator, "ListUsers", {})).toBe("Success");
  emulator.control.setClock({ offsetMs: 3_600_000 });
  expect(await codeOf(emulator, "ListUsers", {})).toBe("RequestLimitExceeded");
});

test("calls sent together are counted together, on the running clock", async () => {
  const emulator = await startEmulator();
  const codes = await Promise.all(Array.from({ length: 60 }, () => codeOf(emulator, "ListUsers", {})));
  const arrivals = emulator.control.journal().filter(({ outcome }) => outcome === "Success");
  const times = arrivals.map(({ arrivedAtMs }) => arrivedAtMs);
  expect(accepted(codes)).toBe(arrivals.length);
  for (const start of times) {
    expect(times.filter((time) => time >= start && time < start + 1000).length).toBeLessThanOrEqual(20);
  }
});

test("counters have received, accepted, throttled and applied calls, and the peak of any second", async () => {
  const emulator = await startEmulator({ ratePerSecond: 3 });
  emulator.control.setClock({ frozen: true });
  const write = { OpUin: 100021969091, LoginFlag: { Stoken: 1 } };
  for (let at = 0; at < 4; at += 1) await callCam(emulator, "SetMfaFlag", write);
  emulator.control.setClock({ advanceMs: 999 });
  await callCam(emulator, "SetMfaFlag", write, { secretKey: "wrong" });
  emulator.control.setClock({ advanceMs: 1 });
  await callCam(emulator, "SetMfaFlag", { OpUin: 100021969094, LoginFlag: { Stoken: 1 } });
  await callCam(emulator, "NoSuchAction", {});
  expect(emulator.control.counters()).toEqual({
    SetMfaFlag: { received: 6, accepted: 4, throttled: 1, applied: 3, peakPerSecond: 5 },
    "(unknown)": { received: 1, accepted: 0, throttled: 0, applied: 0, peakPerSecond: 1 },
  });
});
