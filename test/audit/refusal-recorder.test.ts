import { beforeEach, expect, test } from "vitest";
import type { NewEvent } from "../../src/audit/audit-events.ts";
import { RefusalRecorder } from "../../src/audit/refusal-recorder.ts";
import { GatewayError } from "../../src/contract/index.ts";
import type { Report } from "../../src/telemetry/log-events.ts";
import { FakeClock } from "../support/fake-clock.ts";

let clock: FakeClock;
let recorded: NewEvent[];
let fault: Error | undefined;
let reported: { event: string; fields: Record<string, unknown> }[];
let log: RefusalRecorder;

beforeEach(() => {
  clock = new FakeClock();
  recorded = [];
  reported = [];
  fault = undefined;
  const report: Report = (event, fields) => reported.push({ event, fields: { ...fields } });
  const events = {
    record: async (batch: readonly NewEvent[]) => {
      if (fault !== undefined) throw fault;
      recorded.push(...batch);
    },
  };
  log = new RefusalRecorder({ events, clock, report });
});

function refuse(subject = "mallory", count = 1, code = "FORBIDDEN"): void {
  for (let i = 0; i < count; i++) {
    log.note({
      ...{ caller: { subject, issuer: "https://issuer.example" }, code, rule: "scope cam.mfa:write" },
      ...{ field: "Mutation.setSubUserMfa", opUin: "100", gatewayRequestId: `request-${i}` },
    });
  }
}

const summaries = () => recorded.filter(({ kind }) => kind === "refusals");

test("a refusal is recorded with the caller, the rule, the field and its age", async () => {
  refuse();
  await clock.advance(400);
  await log.flush();
  expect(recorded).toEqual([
    {
      ...{
        kind: "refusal",
        subject: "mallory",
        client: undefined,
        issuer: "https://issuer.example",
        ageMs: 400,
      },
      details: {
        ...{ code: "FORBIDDEN", rule: "scope cam.mfa:write", field: "Mutation.setSubUserMfa" },
        ...{ opUin: "100", gatewayRequestId: "request-0" },
      },
    },
  ]);
});

test("past twenty in a minute, one summary has the others of that caller", async () => {
  refuse("mallory", 1_000);
  refuse("mallory", 5, "PROTECTED_USER");
  refuse("eve");
  await log.flush();
  expect(recorded).toHaveLength(21);
  await clock.advance(60_000);
  await log.flush();
  expect(summaries()).toMatchObject([
    {
      subject: "mallory",
      details: { count: 985, recorded: 20, codes: { FORBIDDEN: 1_000, PROTECTED_USER: 5 } },
    },
  ]);
  refuse();
  await log.flush();
  expect(recorded.at(-1)).toMatchObject({ kind: "refusal", subject: "mallory" });
});

test("more callers than it can tell apart are counted together", async () => {
  for (let caller = 0; caller < 1_500; caller++) refuse(`caller-${caller}`);
  await clock.advance(60_000);
  await log.flush();
  expect(recorded.filter(({ kind }) => kind === "refusal")).toHaveLength(1_000);
  expect(summaries()).toMatchObject([{ subject: undefined, details: { count: 500 } }]);
});

test("while the database is away refusals wait, and what no longer fits is counted and logged", async () => {
  fault = new GatewayError("STORE_UNAVAILABLE");
  for (let minute = 0; minute < 3; minute++) {
    for (let caller = 0; caller < 1_000; caller++) refuse(`caller-${caller}`);
    await clock.advance(60_000);
    await log.flush();
  }
  expect(reported.filter(({ event }) => event === "record.refusals_lost")).toMatchObject([
    { fields: { lost: 1_000 } },
  ]);
  fault = undefined;
  await log.flush();
  expect(recorded).toHaveLength(2_000);
  expect(recorded[0]?.ageMs).toBe(180_000);
});

test("an event that the database cannot store does not hold up the others", async () => {
  refuse();
  fault = new Error("invalid text");
  await log.flush();
  expect(reported.map(({ event }) => event)).toEqual(["record.refusals_wait", "record.refusals_lost"]);
  fault = undefined;
  refuse("eve");
  await log.flush();
  expect(recorded.map(({ subject }) => subject)).toEqual(["eve"]);
});

test("it records at every second, and what is left at its stop", async () => {
  log.start();
  refuse();
  await expect.poll(() => clock.pendingTimers).toBe(1);
  await clock.advance(1_000);
  await expect.poll(() => recorded).toHaveLength(1);
  refuse("mallory", 30);
  await log.stop();
  expect(recorded).toHaveLength(21);
  expect(summaries()).toMatchObject([{ details: { count: 11 } }]);
});
