import { expect, vi } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { pauseQuota } from "../../support/alter-rows.ts";
import { cutDatabase } from "../../support/cut-database.ts";
import { createTestPostgres } from "../../support/open-test-database.ts";
import { ALICE } from "../../support/seed-users.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { whenOver } from "../../support/when-over.ts";

/** Limits retries by number instead of time, so that the result does not depend on speed. */
const PATIENT = { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0", CAM_DEADLINE_MS: "60000" };

export function startSound(): Promise<StartedGateway> {
  return startGateway({ ...UNLIMITED, env: PATIENT });
}

/** A gateway with a short timeout for CAM. */
export function startImpatient(): Promise<StartedGateway> {
  return startGateway({ ...UNLIMITED, env: { ...PATIENT, CAM_TIMEOUT_MS: "1000" } });
}

/** A gateway that cannot reach CAM. */
export function startUnreachable(): Promise<StartedGateway> {
  return startGateway({ env: { ...PATIENT, CAM_ENDPOINT: "http://127.0.0.1:1" } });
}

/** A gateway whose writes CAM throttles. After a throttle the gateway slows down, so only a few users share it. */
export async function startThrottled(): Promise<StartedGateway> {
  const started = await startSound();
  started.cam.addFault({ kind: "throttle", action: "SetMfaFlag" });
  return started;
}

/** A gateway whose key file is missing. */
export function startKeyless(): Promise<StartedGateway> {
  const key = { TENCENTCLOUD_SECRET_KEY: "", TENCENTCLOUD_SECRET_KEY_FILE: "/nowhere/key" };
  return startGateway({ ...UNLIMITED, env: { ...PATIENT, ...key } });
}

/** A gateway that cannot reach its database. */
export async function startWithoutRecords(): Promise<StartedGateway> {
  const databaseUrl = await createTestPostgres();
  const started = await startGateway({ ...UNLIMITED, env: { ...PATIENT, DATABASE_URL: databaseUrl } });
  whenOver(await cutDatabase(databaseUrl));
  return started;
}

/** A gateway whose reads before a change exceed the quota. */
export async function startWithoutSlots(): Promise<StartedGateway> {
  const databaseUrl = await createTestPostgres();
  const started = await startGateway({ ...UNLIMITED, env: { ...PATIENT, DATABASE_URL: databaseUrl } });
  await pauseQuota(databaseUrl, "DescribeSafeAuthFlagColl");
  return started;
}

/** A gateway with an open circuit. Its clock stops, so that no probe is ever due. */
export async function startWithOpenCircuit(): Promise<StartedGateway> {
  let stoppedMs: number | undefined;
  const clock = { ...systemClock, monotonic: () => stoppedMs ?? systemClock.monotonic() };
  const env = { ...PATIENT, CAM_CIRCUIT_FAILURES: "1" };
  const started = await startGateway({ ...UNLIMITED, clock, env });
  // A change waits until the gateway has read the identity of its key from CAM.
  await vi.waitFor(() => expect(started.logLines.join("")).toContain("CAM accepts the key"), 20_000);
  const beforeMs = systemClock.monotonic();
  started.cam.addFault({ kind: "httpStatus", status: 500, action: "DescribeSafeAuthFlagColl" });
  await started.send(`{ subUser(opUin: ${ALICE}) { mfa { login { phone } } } }`);
  stoppedMs = beforeMs;
  return started;
}
