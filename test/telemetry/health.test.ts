import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { Health, PARTS } from "../../src/telemetry/health.ts";
import { FakeClock } from "../support/fake-clock.ts";

let clock: FakeClock;
let health: Health;

beforeEach(() => {
  clock = new FakeClock(0);
  health = new Health(clock);
});

const statusOf = ({ status, isReady } = health.read()) => ({ status, isReady });

test("the page of the operators lists every part", () => {
  const page = readFileSync("docs/operators/health.md", "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (?:—|account|issuer|receiver) /gm)].map(([, part]) => part);
  expect(rows).toEqual(Object.keys(PARTS));
});

test("a replica is ready only between its start and its stop", () => {
  expect(statusOf()).toEqual({ status: "starting", isReady: false });
  expect(health.hasStarted).toBe(false);
  health.serve();
  expect(statusOf()).toEqual({ status: "ready", isReady: true });
  health.stop();
  expect(statusOf()).toEqual({ status: "stopping", isReady: false });
  expect(health.hasStarted).toBe(true);
});

describe("a serving replica", () => {
  beforeEach(() => health.serve());

  test.each(["database", "credentials", "issuer_keys", "clock", "circuit", "quota"] as const)(
    "stays ready while %s is degraded",
    (part) => {
      health.report(part, undefined, "A fault.");
      expect(statusOf()).toEqual({ status: "degraded", isReady: true });
      health.report(part, undefined);
      expect(statusOf()).toEqual({ status: "ready", isReady: true });
    },
  );

  test("with a schema that does not fit is not ready", () => {
    health.report("schema", undefined, "A migration is missing.");
    expect(statusOf()).toEqual({ status: "unfit", isReady: false });
  });

  test("shows since when a part has its state", async () => {
    health.report("database", undefined);
    await clock.advance(1_000);
    health.report("database", undefined, "It is read-only.");
    await clock.advance(1_000);
    health.report("database", undefined, "Its disk is full.");
    const degraded = { part: "database", of: undefined, state: "degraded", problem: "Its disk is full." };
    expect(health.read().parts).toEqual([{ ...degraded, since: "1970-01-01T00:00:01.000Z" }]);
  });

  test("samples watched parts at each read, and forgets them with their account", () => {
    let problem: string | undefined = "CAM's clock differs.";
    const unwatch = health.watch("partner", () => health.report("clock", "partner", problem));
    expect(statusOf().status).toBe("degraded");
    problem = undefined;
    expect(statusOf().status).toBe("ready");
    problem = "CAM's clock differs.";
    unwatch();
    expect(health.read()).toMatchObject({ status: "ready", parts: [] });
  });
});
