import { expect, test } from "vitest";
import { ActionCircuits, type CircuitVote } from "../../src/cam/circuit-breaker.ts";
import { FakeClock } from "../support/fake-clock.ts";

const WINDOW_MS = 30_000;
const PROBE_MS = 1_000;

/** Circuits that open at the given number of failed users, and helpers that send calls through them. */
function startCircuits(failures = 5) {
  const clock = new FakeClock();
  const circuits = new ActionCircuits({ failures }, clock);
  const run = (
    user: string | undefined,
    attempt: () => Promise<CircuitVote>,
    { caller = "alice", action = "SetMfaFlag", ms = 60_000 } = {},
  ): Promise<CircuitVote> =>
    circuits.run({ action, user, caller, deadlineMs: clock.monotonic() + ms }, attempt, (vote) => vote);
  const calls = async (prefix: string, count: number, vote: CircuitVote, more = {}): Promise<void> => {
    for (let at = 0; at < count; at++) {
      await run(`${prefix}${at}`, async () => vote, more).catch(() => undefined);
    }
  };
  /** Returns whether a call of this user passes. The call has no vote, so it changes no circuit. */
  const passes = (user: string, more = {}): Promise<boolean> =>
    run(user, async () => undefined, more).then(
      () => true,
      () => false,
    );
  return { clock, run, calls, passes };
}

const OPEN = { code: "CAM_CIRCUIT_OPEN" };

test("a circuit opens when five users fail, and stays closed when four do", async () => {
  const { run, calls } = startCircuits();
  await calls("user", 4, "FAILED");
  await expect(run("another", async () => "FAILED")).resolves.toBe("FAILED");
  await expect(run("one more", async () => "OK")).rejects.toMatchObject({
    ...OPEN,
    retryAfterMs: PROBE_MS,
  });
});

test("all failures of one user are one vote, and all calls without a user are one vote", async () => {
  const { run } = startCircuits(2);
  for (let times = 0; times < 50; times++) {
    await run("user", async () => "FAILED");
  }
  const own = startCircuits(2);
  for (let times = 0; times < 50; times++) await own.run(undefined, async () => "FAILED");
  await expect(run("other", async () => "OK")).resolves.toBe("OK");
  await expect(own.run("other", async () => "OK")).resolves.toBe("OK");
});

test("the latest call of a user decides the user's vote", async () => {
  const { run, calls } = startCircuits();
  await calls("user", 4, "FAILED");
  await run("fifth", async () => "OK");
  await run("user0", async () => "OK");
  await run("fifth", async () => "FAILED");
  await expect(run("sixth", async () => "OK")).resolves.toBe("OK");
});

test.each([
  { well: 5, opens: true },
  { well: 6, opens: false },
])("with five failed users and $well others the circuit opens: $opens", async ({ well, opens }) => {
  const { calls, passes } = startCircuits();
  await calls("well", well, "OK");
  await calls("user", 5, "FAILED");
  expect(await passes("well0")).toBe(!opens);
});

test("a vote counts for thirty seconds", async () => {
  const { clock, calls, passes } = startCircuits();
  await calls("user", 4, "FAILED");
  await clock.advance(WINDOW_MS);
  await calls("later", 1, "FAILED");
  expect(await passes("another")).toBe(true);
});

test("an outcome without information about CAM has no vote", async () => {
  const { calls, passes } = startCircuits();
  await calls("user", 50, undefined);
  expect(await passes("another")).toBe(true);
});

test("an unexpected error has no vote and ends a probe", async () => {
  const { clock, run, calls, passes } = startCircuits();
  await calls("user", 5, "FAILED");
  await clock.advance(PROBE_MS);
  const probe = run("user0", () => Promise.reject(new Error("a mistake")));
  await expect(probe).rejects.toThrow("a mistake");
  expect(await passes("user1")).toBe(true);
});

test("with failures set to 0, a circuit never opens", async () => {
  const { calls, passes } = startCircuits(0);
  await calls("user", 50, "FAILED");
  expect(await passes("user0")).toBe(true);
});

test("each action has its own circuit: failing reads stop no write", async () => {
  const { calls, passes } = startCircuits();
  await calls("user", 5, "FAILED", { action: "DescribeSafeAuthFlagColl" });
  expect(await passes("user0")).toBe(true);
  expect(await passes("user0", { action: "DescribeSafeAuthFlagColl" })).toBe(false);
});

test.each([1, 3, 1_000])(
  "one caller's failing users do not open it while another caller's %d users succeed",
  async (well) => {
    const { calls, passes } = startCircuits();
    await calls("well", well, "OK", { caller: "bob" });
    await calls("user", 1_500, "FAILED", { caller: "mallory" });
    expect(await passes("well0", { caller: "bob" })).toBe(true);
    expect(await passes("new", { caller: "carol" })).toBe(true);
  },
);

test("one caller's failing users and a single failure of another caller do not open it", async () => {
  const { calls, passes } = startCircuits();
  await calls("well", 20, "OK", { caller: "bob" });
  await calls("once", 1, "FAILED", { caller: "carol" });
  await calls("user", 500, "FAILED", { caller: "mallory" });
  expect(await passes("well0", { caller: "bob" })).toBe(true);
});

test("two callers' failing users do not open it while most users of a third caller succeed", async () => {
  const { calls, passes } = startCircuits();
  await calls("well", 200, "OK", { caller: "portal" });
  await calls("bob", 5, "FAILED", { caller: "bob" });
  await calls("carol", 5, "FAILED", { caller: "carol" });
  expect(await passes("bob0", { caller: "bob" })).toBe(true);
});

test("it opens if CAM fails for every caller, also if one caller has most of the users", async () => {
  const { calls, passes } = startCircuits();
  await calls("job", 100, "FAILED", { caller: "job" });
  await calls("bob", 1, "FAILED", { caller: "bob" });
  expect(await passes("bob0", { caller: "bob" })).toBe(false);
});

test("an open circuit sends one probe a second", async () => {
  const { clock, calls, run } = startCircuits();
  await calls("user", 5, "FAILED");
  let sent = 0;
  for (let tenths = 0; tenths < 100; tenths++) {
    await clock.advance(100);
    const attempt = async (): Promise<CircuitVote> => {
      sent += 1;
      return "FAILED";
    };
    for (const user of ["user0", `new${tenths}`, "user1"]) await run(user, attempt).catch(() => undefined);
  }
  expect(sent).toBe(10);
});

test("a hanging probe does not delay the next probe", async () => {
  const { clock, calls, run } = startCircuits();
  await calls("user", 5, "FAILED");
  await clock.advance(PROBE_MS);
  const hanging = Promise.withResolvers<CircuitVote>();
  const hangs = run("user0", () => hanging.promise);
  await expect(run("user1", async () => "OK")).rejects.toMatchObject(OPEN);
  await clock.advance(PROBE_MS);
  await expect(run("user1", async () => "OK")).resolves.toBe("OK");
  hanging.resolve("FAILED");
  await hangs;
});

test("a successful probe closes it, and failures of earlier calls do not open it again", async () => {
  const { clock, calls, run, passes } = startCircuits();
  const lost = Promise.withResolvers<CircuitVote>();
  const before = Array.from({ length: 20 }, (_, at) => run(`old${at}`, () => lost.promise));
  await calls("user", 5, "FAILED");
  await clock.advance(PROBE_MS);
  await run("user0", async () => "OK");
  lost.resolve("FAILED");
  await Promise.all(before);
  expect(await passes("user1")).toBe(true);
});

test("after a probe without a vote, the next call is a probe", async () => {
  const { clock, calls, run } = startCircuits();
  await calls("user", 5, "FAILED");
  await clock.advance(PROBE_MS);
  await run("user0", async () => undefined);
  await expect(run("user1", async () => "FAILED")).resolves.toBe("FAILED");
  await expect(run("user2", async () => "FAILED")).rejects.toMatchObject(OPEN);
});

test("calls of users without failures wait for the running probe and pass when it succeeds", async () => {
  const { clock, calls, run } = startCircuits();
  await calls("user", 5, "FAILED");
  await clock.advance(PROBE_MS);
  const answer = Promise.withResolvers<CircuitVote>();
  const probe = run("new", () => answer.promise);
  const others = Array.from({ length: 24 }, (_, at) => run(`other${at}`, async () => "OK"));
  answer.resolve("OK");
  await probe;
  await expect(Promise.all(others)).resolves.toEqual(Array(24).fill("OK"));
});

test("calls of users without failures wait for a probe until the next probe or their deadline", async () => {
  const { clock, calls, run } = startCircuits();
  await calls("user", 5, "FAILED");
  await clock.advance(PROBE_MS);
  const never = new Promise<CircuitVote>(() => undefined);
  void run("new", () => never);
  const short = expect(run("short", async () => "OK", { ms: 100 })).rejects.toMatchObject(OPEN);
  await clock.advance(100);
  await short;
  const next = run("next", () => never);
  const refused = expect(run("late", async () => "OK")).rejects.toMatchObject(OPEN);
  await clock.advance(PROBE_MS - 100);
  await refused;
  void next;
  expect(clock.pendingTimers).toBe(0);
});

test("a caller without failures probes immediately, even if another caller's failing users probe constantly", async () => {
  const { clock, calls, run } = startCircuits();
  await calls("user", 50, "FAILED", { caller: "mallory" });
  await clock.advance(PROBE_MS);
  for (let rounds = 0; rounds < 25; rounds++) {
    await calls(`fresh${rounds}.`, 10, "FAILED", { caller: "mallory" });
    await expect(run(`well${rounds}`, async () => "OK", { caller: "bob" })).resolves.toBe("OK");
    await clock.advance(PROBE_MS);
  }
});

test("a caller with failures takes turns with another caller who probes constantly", async () => {
  const { clock, calls, run } = startCircuits();
  await calls("bob", 5, "FAILED", { caller: "bob" });
  await calls("mallory", 50, "FAILED", { caller: "mallory" });
  let refused = 0;
  for (;;) {
    await clock.advance(100);
    await calls(`fresh${refused}.`, 5, "FAILED", { caller: "mallory" });
    const done = await run("bob0", async () => "OK", { caller: "bob" }).catch(() => "refused");
    if (done === "OK") break;
    refused += 1;
  }
  expect(refused).toBeLessThanOrEqual(20);
});

test("a caller's users without failures probe before the caller's failed users", async () => {
  const { clock, calls, run, passes } = startCircuits();
  await calls("user", 5, "FAILED");
  await clock.advance(PROBE_MS);
  await run("user0", async () => "FAILED");
  await clock.advance(PROBE_MS / 2);
  expect(await passes("new")).toBe(false);
  await clock.advance(PROBE_MS / 2);
  expect(await passes("user1")).toBe(false);
  await expect(run("new", async () => "OK")).resolves.toBe("OK");
});
