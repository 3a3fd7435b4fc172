import { expect, test } from "vitest";
import { LOCAL_CALLER } from "../../src/auth/caller.ts";
import { type AccountUser, UserLock } from "../../src/changes/changes-of-user.ts";
import { systemClock } from "../../src/clock.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { uin } from "../support/start-change-service.ts";

const [alice, bob] = [ALICE, BOB].map((opUin) => ({ account: "default", opUin: uin(opUin) })) as [
  AccountUser,
  AccountUser,
];
const LONG = 60_000;

async function withLock<T>(
  lock: UserLock,
  user: AccountUser,
  context: Parameters<UserLock["acquire"]>[1],
  work: () => Promise<T>,
): Promise<T> {
  const release = await lock.acquire(user, context);
  try {
    return await work();
  } finally {
    release();
  }
}

/** The caller of a change, with its deadline. */
const asking = (subject: string, waitMs = LONG) => ({
  caller: { ...LOCAL_CALLER, subject },
  deadlineMs: systemClock.monotonic() + waitMs,
});

test("changes of one user run one after the other, in order of arrival", async () => {
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

test("a Uin of one account does not wait for the same Uin of another account", async () => {
  const { run, log, finish } = startTurns();
  const all = [run(alice, "a"), run({ ...alice, account: "partner" }, "b")];
  await finish("b");
  await finish("a");
  await Promise.all(all);
  expect(log).toEqual(["a starts", "b starts", "b ends", "a ends"]);
});

test("a change that fails lets the next one through", async () => {
  const turns = new UserLock(systemClock);
  const failing = withLock(turns, alice, asking("wang"), () => Promise.reject(new Error("failed")));
  const next = withLock(turns, alice, asking("wang"), async () => "done");
  await expect(failing).rejects.toThrow("failed");
  await expect(next).resolves.toBe("done");
});

test("a change without a turn by its deadline is refused and does not run", async () => {
  const { run, log, finish } = startTurns();
  const first = run(alice, "a");
  await expect(run(alice, "b", "wang", 0)).rejects.toMatchObject({
    code: "CHANGE_IN_PROGRESS",
    opUin: ALICE,
  });
  await finish("a");
  await first;
  expect(log).toEqual(["a starts", "a ends"]);
});

test("a change that arrives after an expired one still waits for the running one", async () => {
  const { run, log, finish } = startTurns();
  const first = run(alice, "a");
  await expect(run(alice, "b", "wang", 0)).rejects.toMatchObject({ code: "CHANGE_IN_PROGRESS" });
  const third = run(alice, "c");
  await finish("a");
  await finish("c");
  await Promise.all([first, third]);
  expect(log).toEqual(["a starts", "a ends", "c starts", "c ends"]);
});

const REFUSED = { code: "CHANGE_IN_PROGRESS", opUin: ALICE };

test("callers who wait for the same user take turns, after the caller of the running change", async () => {
  const { run, log, finish } = startTurns();
  const came = ["mallory1", "mallory2", "mallory3", "mallory4", "bob1", "bob2", "carol1"];
  const all = came.map((name) => run(alice, name, name.slice(0, -1)));
  const served = ["mallory1", "bob1", "mallory2", "carol1", "bob2", "mallory3", "mallory4"];
  for (const name of served) await finish(name);
  await Promise.all(all);
  expect(log.filter((line) => line.endsWith("starts"))).toEqual(served.map((name) => `${name} starts`));
});

test("the same subject of another issuer is another caller", async () => {
  const turns = new UserLock(systemClock);
  const order: string[] = [];
  const of = (issuer: string | undefined) => {
    const context = asking("wang");
    return { ...context, caller: { ...context.caller, issuer } };
  };
  const came = [undefined, "https://a.example", "https://a.example", "https://b.example"];
  await Promise.all(
    came.map((issuer, at) =>
      withLock(turns, alice, of(issuer), async () => void order.push(`${issuer} ${at}`)),
    ),
  );
  expect(order.at(-1)).toBe("https://a.example 2");
});

test("one caller has at most five waiting changes of a user, and further ones are refused immediately", async () => {
  const { run, log, finish } = startTurns();
  const names = ["a", "b", "c", "d", "e", "f"];
  const all = names.map((name) => run(alice, name));
  for (let times = 0; times < 400; times++)
    await expect(run(alice, `more${times}`)).rejects.toMatchObject(REFUSED);
  const other = run(bob, "other");
  await finish("other");
  await finish("a");
  const late = run(alice, "late");
  for (const name of [...names.slice(1), "late"]) await finish(name);
  await Promise.all([...all, other, late]);
  expect(log.filter((line) => line.endsWith("starts"))).toHaveLength(8);
});

test("a user's full queue takes one more caller, and the caller with most waiting loses the last change", async () => {
  const { run, log, finish } = startTurns();
  const first = run(alice, "first", "zhou");
  const crowd = ["p", "q", "r", "s"].flatMap((caller) =>
    Array.from({ length: 5 }, (_, at) => ({
      name: `${caller}${at}`,
      turn: run(alice, `${caller}${at}`, caller),
    })),
  );
  const lost = expect(crowd[4]?.turn).rejects.toMatchObject(REFUSED);
  const bobs = run(alice, "bob", "bob");
  await lost;
  await finish("first");
  const left = crowd.filter(({ name }) => name !== "p4");
  for (const { name } of [{ name: "bob" }, ...left]) void finish(name);
  await Promise.all([first, bobs, ...left.map(({ turn }) => turn)]);
  const started = log.filter((line) => line.endsWith("starts"));
  expect(started.indexOf("bob starts")).toBe(5);
});

test("a full queue in which every caller has one change waiting takes no further caller", async () => {
  const { run, finish } = startTurns();
  const names = Array.from({ length: 21 }, (_, at) => `caller${at}`);
  const all = names.map((name) => run(alice, name, name));
  await expect(run(alice, "bob", "bob")).rejects.toMatchObject(REFUSED);
  for (const name of names) void finish(name);
  await Promise.all(all);
});

/** Work that records its start and ends when the test ends it. */
function startTurns() {
  const turns = new UserLock(systemClock);
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
    run(user: typeof alice, name: string, caller = "wang", waitMs = LONG) {
      const turn = withLock(turns, user, asking(caller, waitMs), async () => {
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
