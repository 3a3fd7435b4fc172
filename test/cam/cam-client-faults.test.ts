import { expect, test } from "vitest";
import {
  type CamError,
  type CamErrorKind,
  describeSafeAuthFlagColl,
  mayHaveBeenApplied,
  type SlotOutcome,
  setMfaFlag,
} from "../../src/cam/index.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { FaultInput } from "../../src/emulator/index.ts";
import { createCam, createEmulatedCam, within } from "../support/create-cam.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { silence, startStubCam } from "../support/start-stub-cam.ts";

const ALICE = "100021969091" as Uin;
const STOKEN_ON = { opUin: ALICE, login: { phone: false, stoken: true, wechat: false } };

interface FaultCase {
  readonly fault: FaultInput;
  readonly kind: CamErrorKind;
  readonly slot: SlotOutcome;
  readonly maybeApplied?: boolean;
  readonly more?: Partial<CamError>;
}

const faults: readonly FaultCase[] = [
  { fault: { kind: "cutBefore" }, kind: "CONNECTION_LOST", slot: "LOST" },
  { fault: { kind: "cutAfter" }, kind: "CONNECTION_LOST", slot: "LOST" },
  {
    fault: { kind: "httpStatus", status: 500 },
    kind: "BAD_RESPONSE",
    slot: "ANSWERED",
    more: { httpStatus: 500 },
  },
  {
    fault: { kind: "httpStatus", status: 429 },
    kind: "BAD_RESPONSE",
    slot: "ANSWERED",
    more: { httpStatus: 429 },
  },
  { fault: { kind: "htmlBody" }, kind: "BAD_RESPONSE", slot: "ANSWERED" },
  { fault: { kind: "emptyBody" }, kind: "BAD_RESPONSE", slot: "ANSWERED" },
  { fault: { kind: "emptyObject" }, kind: "BAD_RESPONSE", slot: "ANSWERED" },
  { fault: { kind: "truncatedJson" }, kind: "BAD_RESPONSE", slot: "ANSWERED" },
  { fault: { kind: "garbageBody" }, kind: "BAD_RESPONSE", slot: "ANSWERED" },
  { fault: { kind: "wrongContentType" }, kind: "BAD_RESPONSE", slot: "ANSWERED" },
  { fault: { kind: "hugeBody", bytes: 20 * 1024 * 1024 }, kind: "BAD_RESPONSE", slot: "ANSWERED" },
  {
    fault: { kind: "camError", code: "InternalError.SystemError" },
    kind: "REFUSED",
    slot: "ANSWERED",
    more: { camCode: "InternalError.SystemError", camRequestId: expect.any(String) },
  },
  {
    fault: { kind: "camError", code: "FailedOperation.UserNotBindPhone" },
    kind: "REFUSED",
    slot: "ANSWERED",
    maybeApplied: false,
    more: { camCode: "FailedOperation.UserNotBindPhone", camRequestId: expect.any(String) },
  },
];

test.each(faults)("a write that meets $fault is sent once and ends as $kind", async (row) => {
  const { kind, slot, maybeApplied = true, more = {} } = row;
  const { emulator, client, clock, quota } = await createEmulatedCam();
  emulator.control.addFault({ ...row.fault, times: 1 });
  const error: unknown = await client
    .call(setMfaFlag, STOKEN_ON, within(clock))
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "CamError", kind, action: "SetMfaFlag", attempts: 1, ...more });
  expect(mayHaveBeenApplied(error as CamError)).toBe(maybeApplied);
  expect(quota.outcomes).toEqual([slot]);
  expect(emulator.control.journal()).toHaveLength(1);

  // The fault leaves the connection pool usable.
  const { camRequestId } = await client.call(setMfaFlag, STOKEN_ON, within(clock));
  expect(emulator.control.journal()[1]?.requestId).toBe(camRequestId);
});

const transient = faults.filter((row) => row.maybeApplied !== false);

test.each(transient)("a read that meets $fault is retried", async (row) => {
  const { emulator, client, clock, quota } = await createEmulatedCam();
  emulator.control.addFault({ ...row.fault, times: 1 });
  const { output } = await client.call(describeSafeAuthFlagColl, { subUin: ALICE }, within(clock));
  expect(output.login.stoken).toBe(true);
  expect(quota.outcomes).toEqual([row.slot, "ANSWERED"]);
});

test.each(transient)("a read that always meets $fault ends as $kind after four requests", async (row) => {
  const { emulator, client, clock } = await createEmulatedCam();
  emulator.control.addFault(row.fault);
  await expect(client.call(describeSafeAuthFlagColl, { subUin: ALICE }, within(clock))).rejects.toMatchObject(
    { kind: row.kind, attempts: 4 },
  );
  expect(emulator.control.journal()).toHaveLength(4);
});

test.each([
  { bound: "the timeout of the request", config: { timeoutMs: 300 }, ms: 60_000 },
  { bound: "the deadline", config: { timeoutMs: 60_000 }, ms: 300 },
])("a write without a reply ends with $bound", async ({ config, ms }) => {
  const cam = await startStubCam(silence);
  const { client, clock, quota } = createCam(cam.url, { clock: new FakeClock(), config });
  const calling = client.call(setMfaFlag, STOKEN_ON, within(clock, { ms }));
  await cam.requestCount(1);
  await Promise.all([
    expect(calling).rejects.toMatchObject({ kind: "TIMEOUT", attempts: 1 }),
    clock.advance(300),
  ]);
  expect(quota.outcomes).toEqual(["LOST"]);
  expect(clock.pendingTimers).toBe(0);
});
