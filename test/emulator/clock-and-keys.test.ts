import { expect, test } from "vitest";
import { codeOf } from "./call-cam.ts";
import { startEmulator } from "./start-emulator.ts";

const NOON = Date.UTC(2026, 5, 1, 12);

test.each([
  [-301, "AuthFailure.SignatureExpire"],
  [-300, "Success"],
  [0, "Success"],
  [300, "Success"],
  [301, "AuthFailure.SignatureExpire"],
])("a timestamp that is %i s off gets %s", async (skewSeconds, code) => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true, atMs: NOON });
  expect(await codeOf(emulator, "ListUsers", {}, { timestamp: NOON / 1000 + skewSeconds })).toBe(code);
});

test("a wrong clock makes the emulator refuse valid requests until it is corrected", async () => {
  const emulator = await startEmulator();
  const timestamp = Math.floor(emulator.control.clock().nowMs / 1000);
  emulator.control.setClock({ offsetMs: -600_000 });
  expect(await codeOf(emulator, "ListUsers", {}, { timestamp })).toBe("AuthFailure.SignatureExpire");
  emulator.control.setClock({ offsetMs: 0 });
  expect(await codeOf(emulator, "ListUsers", {}, { timestamp })).toBe("Success");
});

test("a frozen clock moves only by advanceMs, and runs again after unfreezing", async () => {
  const emulator = await startEmulator();
  const frozen = emulator.control.setClock({ frozen: true, atMs: NOON });
  expect(emulator.control.clock()).toEqual(frozen);
  const later = emulator.control.setClock({ advanceMs: 90_000 });
  expect(later.nowMs).toBe(NOON + 90_000);
  expect(later.monotonicMs).toBe(frozen.monotonicMs + 90_000);
  const running = emulator.control.setClock({ frozen: false });
  expect(running.frozen).toBe(false);
  expect(running.monotonicMs).toBeGreaterThanOrEqual(later.monotonicMs);
  expect(Math.abs(running.nowMs - Date.now())).toBeLessThan(60_000);
});

test("a running clock can be moved forward", async () => {
  const emulator = await startEmulator();
  const before = emulator.control.clock();
  const after = emulator.control.setClock({ advanceMs: 3_600_000 });
  expect(after.nowMs - before.nowMs).toBeGreaterThanOrEqual(3_600_000);
  expect(after.monotonicMs - before.monotonicMs).toBeGreaterThanOrEqual(3_600_000);
});

const TEMPORARY = { secretId: "AKIDTEMPORARYEXAMPLE", secretKey: "LocalExampleTemporaryKey" };
const withToken = (token: string) => ({ ...TEMPORARY, extraHeaders: [["X-TC-Token", token]] as const });

test("a temporary key needs its own token", async () => {
  const emulator = await startEmulator();
  expect(await codeOf(emulator, "ListUsers", {}, withToken("LocalExampleToken"))).toBe("Success");
  expect(await codeOf(emulator, "ListUsers", {}, withToken("LocalExampleTokem"))).toBe(
    "AuthFailure.TokenFailure",
  );
  expect(await codeOf(emulator, "ListUsers", {}, withToken(""))).toBe("AuthFailure.TokenFailure");
  expect(await codeOf(emulator, "ListUsers", {}, TEMPORARY)).toBe("AuthFailure.TokenFailure");
});

test("a temporary key expires at its time", async () => {
  const emulator = await startEmulator();
  const expiresAt = new Date(NOON).toISOString();
  emulator.control.putKey({ ...TEMPORARY, uin: "100021969090", kind: "temporary", token: "t", expiresAt });
  emulator.control.setClock({ frozen: true, atMs: NOON - 1 });
  expect(await codeOf(emulator, "ListUsers", {}, withToken("t"))).toBe("Success");
  emulator.control.setClock({ advanceMs: 1 });
  expect(await codeOf(emulator, "ListUsers", {}, withToken("t"))).toBe("AuthFailure.TokenFailure");
});

test("a disabled or deleted key is not found", async () => {
  const emulator = await startEmulator();
  const key = { secretId: "AKIDEXTRA", secretKey: "extra" };
  emulator.control.putKey({ ...key, uin: "100021969090" });
  expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("Success");
  emulator.control.putKey({ ...key, uin: "100021969090", disabled: true });
  expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("AuthFailure.SecretIdNotFound");
  emulator.control.deleteKey("AKIDEXTRA");
  expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("AuthFailure.SecretIdNotFound");
});

test.each(["null", "undefined", "AKID", "LTAIabc"])(
  "the key id %s is refused as not a cloud API key",
  async (secretId) => {
    const emulator = await startEmulator();
    expect(await codeOf(emulator, "ListUsers", {}, { secretId })).toBe("AuthFailure.InvalidSecretId");
  },
);
