import { expect, test } from "vitest";
import { type AccountUser, UserTurns } from "../../src/changes/user-turns.ts";
import { systemClock } from "../../src/clock.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { uin } from "../support/start-change-service.ts";

const [alice, bob] = [ALICE, BOB].map((opUin) => ({ account: "default", opUin: uin(opUin) })) as [
  AccountUser,
  AccountUser,
];
const LONG = 60_000;

test("changes of one user run one after the other, in the order they came", async () => {
  const { run, log, finish } = startTurns();
  const all = ["a", "b", "c"].map((name) => run(alice, name));
  for (const name of ["a", "b", "c"]) await finish(name);
  await Promise.all(all);
  expect(log).toEqual(["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]);
});

test("changes of different users do not wait for each other", async () => {
  const { run, log, finish } = startTurns();
  const all = [run(alice, "a"), run(bob, "b")];
  await finish("b");
  await finish("a");
  await Promise.all(all);
  expect(log).toEqual(["a starts", "b starts", "b ends", "a ends"]);
});

test("a Uin of one account does not wait for the same of another", async () => {
  const { run, log, finish } = startTurns();
  const all = [run(alice, "a"), run({ ...alice, account: "partner" }, "b")];
  await finish("b");
  await finish("a");
  await Promise.all(all);
  expect(log).toEqual(["a starts", "b starts", "b ends", "a ends"]);
});

test("a change that fails lets the next one through", async () => {
  const turns = new UserTurns(systemClock);
  const failing = turns.run(alice, systemClock.monotonic() + LONG, () => Promise.reject(new Error("failed")));
  const next = turns.run(alice, systemClock.monotonic() + LONG, async () => "done");
  await expect(failing).rejects.toThrow("failed");
  await expect(next).resolves.toBe("done");
});

test("who cannot have a turn by the deadline is refused and does not run", async () => {
  const { run, log, finish } = startTurns();
  const first = run(alice, "a");
  await expect(run(alice, "b", 0)).rejects.toMatchObject({ code: "CHANGE_IN_PROGRESS", opUin: ALICE });
  await finish("a");
  await first;
  expect(log).toEqual(["a starts", "a ends"]);
});

test("a change that comes after one that gave up still waits for the one at work", async () => {
  const { run, log, finish } = startTurns();
  const first = run(alice, "a");
  await expect(run(alice, "b", 0)).rejects.toMatchObject({ code: "CHANGE_IN_PROGRESS" });
  const third = run(alice, "c");
  await finish("a");
  await finish("c");
  await Promise.all([first, third]);
  expect(log).toEqual(["a starts", "a ends", "c starts", "c ends"]);
});

/** Work that says when it starts and ends only when told. */
function startTurns() {
  const turns = new UserTurns(systemClock);
  const log: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gateOf = (name: string): PromiseWithResolvers<void> => {
    const gate = gates.get(name) ?? Promise.withResolvers<void>();
    gates.set(name, gate);
    return gate;
  };
  const running = new Map<string, Promise<void>>();
  return {
    log,
    run(user: typeof alice, name: string, waitMs = LONG) {
      const turn = turns.run(user, systemClock.monotonic() + waitMs, async () => {
        log.push(`${name} starts`);
        await gateOf(name).promise;
        log.push(`${name} ends`);
      });
      running.set(name, turn);
      return turn;
    },
    async finish(name: string) {
      gateOf(name).resolve();
      await running.get(name);
    },
  };
}
