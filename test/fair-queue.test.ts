import fc from "fast-check";
import { expect, test } from "vitest";
import { FairQueue } from "../src/fair-queue.ts";

/** Creates a queue of items that are named after their caller: "a1" is the first of caller a. */
function queueOf(...items: readonly string[]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const item of items) queue.push(item.charAt(0), item);
  return queue;
}

function drain(queue: FairQueue<string>): string[] {
  const served: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) served.push(item);
  return served;
}

test.each([
  { came: [], served: [] },
  { came: ["a1", "a2", "a3"], served: ["a1", "a2", "a3"] },
  { came: ["a1", "a2", "a3", "b1"], served: ["a1", "b1", "a2", "a3"] },
  { came: ["a1", "a2", "b1", "b2", "c1"], served: ["a1", "b1", "c1", "a2", "b2"] },
])("$came is served in turns: $served", ({ came, served }) => {
  const queue = queueOf(...came);
  expect(queue.inOrder()).toEqual(served);
  expect(queue.size).toBe(came.length);
  expect(drain(queue)).toEqual(served);
  expect(queue.size).toBe(0);
});

test("a caller who returns is served after the callers who wait", () => {
  const queue = queueOf("a1", "b1");
  expect(queue.shift()).toBe("a1");
  queue.push("a", "a2");
  expect(drain(queue)).toEqual(["b1", "a2"]);
});

test("an item that is put back is served next, before other callers and later items of its caller", () => {
  const queue = queueOf("a1", "b1", "a2");
  const missed = queue.shift() ?? "";
  queue.pushFront("a", missed);
  expect(drain(queue)).toEqual(["a1", "b1", "a2"]);
});

test("a caller who cannot use a turn keeps it, and the next caller who can is served", () => {
  const queue = queueOf("a1", "b1", "c1", "b2");
  expect(queue.shift((item) => item !== "a1")).toBe("b1");
  expect(queue.shift((item) => item.startsWith("d"))).toBeUndefined();
  expect(drain(queue)).toEqual(["a1", "c1", "b2"]);
});

test("an item that can use a turn overtakes items of the same caller that cannot", () => {
  const queue = queueOf("a1", "a2", "b1");
  expect(queue.shift((item) => item !== "a1")).toBe("a2");
  expect(drain(queue)).toEqual(["b1", "a1"]);
});

test("a removed item is not served, and a second removal changes nothing", () => {
  const queue = queueOf("a1", "a2", "b1");
  expect(queue.remove("a", "a1")).toBe(true);
  expect(queue.remove("a", "a1")).toBe(false);
  expect(queue.remove("c", "c1")).toBe(false);
  expect(queue.size).toBe(2);
  expect(drain(queue)).toEqual(["a2", "b1"]);
});

test("dropBeyond evicts the last item of the longest queue, if that is longer than the limit", () => {
  const queue = queueOf("a1", "b1", "b2", "b3", "a2");
  expect(queue.dropBeyond(3)).toBeUndefined();
  expect(queue.dropBeyond(2)).toBe("b3");
  expect(queue.dropBeyond(2)).toBeUndefined();
  expect(drain(queue)).toEqual(["a1", "b1", "a2", "b2"]);
});

const arrivals = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 });

test("ahead() is the number of items served before a new one, if no other item arrives", () => {
  fc.assert(
    fc.property(arrivals, fc.nat(10), fc.constantFrom("a", "b", "e"), (callers, servedBefore, caller) => {
      const queue = queueOf(...callers.map((name, index) => `${name}${index}`));
      for (let served = 0; served < servedBefore; served++) queue.shift();
      const ahead = queue.ahead(caller);
      queue.push(caller, "new");
      expect(drain(queue).indexOf("new")).toBe(ahead);
    }),
  );
});

test("no caller is served twice while an earlier caller waits", () => {
  fc.assert(
    fc.property(arrivals, (callers) => {
      const served = drain(queueOf(...callers.map((name, index) => `${name}${index}`)));
      const waiting = new Set(callers);
      for (const caller of waiting) {
        const turns = served.flatMap((item, index) => (item.startsWith(caller) ? [index] : []));
        for (const [turn, index] of turns.entries()) {
          expect(index - (turns[turn - 1] ?? -1)).toBeLessThanOrEqual(waiting.size);
        }
      }
    }),
  );
});
