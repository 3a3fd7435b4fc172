import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { SharedStatements } from "../../src/database/statements.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** Statements that end when the test says so. */
function startStatements() {
  const clock = new FakeClock(0);
  const running: { readonly requests: readonly number[]; readonly end: (error?: Error) => void }[] = [];
  const run = (requests: readonly number[]): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    running.push({ requests, end: (error) => (error === undefined ? resolve() : reject(error)) });
    return promise;
  };
  const statements = new SharedStatements<number, string>({
    clock,
    runOne: async (request) => {
      await run([request]);
      return `one ${request}`;
    },
    runBatch: async (requests) => {
      await run(requests);
      return requests.map((request) => (request < 0 ? undefined : `several ${request}`));
    },
  });
  return { clock, running, statements };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a request alone runs at once, and those that come meanwhile share the next statement", async () => {
  const { statements, running } = startStatements();
  const first = statements.run(1);
  await turn();
  const others = [2, 3].map((request) => statements.run(request));
  await turn();
  expect(running.map(({ requests }) => requests)).toEqual([[1]]);
  running[0]?.end();
  expect(await first).toBe("one 1");
  await turn();
  expect(running.map(({ requests }) => requests)).toEqual([[1], [2, 3]]);
  running[1]?.end();
  expect(await Promise.all(others)).toEqual(["several 2", "several 3"]);
});

test("requests that come in one turn of the event loop share a statement", async () => {
  const { statements, running } = startStatements();
  const answers = [1, 2].map((request) => statements.run(request));
  await turn();
  running[0]?.end();
  expect(await Promise.all(answers)).toEqual(["several 1", "several 2"]);
});

test("a request that the shared statement leaves runs alone", async () => {
  const { statements, running } = startStatements();
  const [left, taken] = [-2, 3].map((request) => statements.run(request));
  await turn();
  running[0]?.end();
  expect(await taken).toBe("several 3");
  expect(running[1]?.requests).toEqual([-2]);
  running[1]?.end();
  expect(await left).toBe("one -2");
});

test("a failed statement fails its requests, and the next one runs", async () => {
  const { statements, running } = startStatements();
  const outcomes = Promise.allSettled([1, 2].map((request) => statements.run(request)));
  await turn();
  running[0]?.end(new Error("lost"));
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const alone = statements.run(3);
  await turn();
  running[1]?.end(new Error("lost too"));
  await expect(alone).rejects.toThrow("lost too");
  const next = statements.run(4);
  await turn();
  running[2]?.end();
  expect(await next).toBe("one 4");
});

test("a statement that waits long does not hold up the next one", async () => {
  const { statements, running, clock } = startStatements();
  const slow = statements.run(1);
  await turn();
  const next = statements.run(2);
  await clock.advance(99);
  expect(running).toHaveLength(1);
  await clock.advance(1);
  await turn();
  expect(running[1]?.requests).toEqual([2]);
  running[1]?.end();
  expect(await next).toBe("one 2");
  running[0]?.end();
  expect(await slow).toBe("one 1");
});

test("a statement has at most 64 requests", async () => {
  const { statements, running } = startStatements();
  const answers = Array.from({ length: 70 }, (_, request) => statements.run(request));
  for (const at of [0, 1]) {
    await turn();
    running[at]?.end();
  }
  await Promise.all(answers);
  expect(running.map(({ requests }) => requests.length)).toEqual([64, 6]);
});

test("a shared statement runs in the context of one of its requests", async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const note = async (requests: readonly number[]) => {
    seen.push(context.getStore());
    return requests.map(String);
  };
  const statements = new SharedStatements<number, string>({
    runOne: async (request) => (await note([request])).join(),
    runBatch: note,
  });
  await Promise.all(["a", "b", "c"].map((name, at) => context.run(name, () => statements.run(at))));
  expect(seen).toEqual(["a"]);
});

test("a request that the shared statement leaves runs in its own context", async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: [number, string | undefined][] = [];
  const statements = new SharedStatements<number, string>({
    runOne: async (request) => {
      seen.push([request, context.getStore()]);
      return `one ${request}`;
    },
    runBatch: async (requests) => requests.map(() => undefined),
  });
  const ask = (name: string, at: number) => context.run(name, () => statements.run(at));
  expect(await Promise.all(["a", "b", "c"].map(ask))).toEqual(["one 0", "one 1", "one 2"]);
  expect(seen).toEqual([
    [0, "a"],
    [1, "b"],
    [2, "c"],
  ]);
});
