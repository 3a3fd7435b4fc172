import fc from "fast-check";
import { expect, test } from "vitest";
import { FairQueue } from "../src/fair-queue.ts";

/** Items are named after their caller: "a1" is caller a's first. */
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
])("of $came, callers are served by turns: $served", ({ came, served }) => {
  const queue = queueOf(...came);
  expect([...queue]).toEqual(served);
  expect(queue.size).toBe(came.length);
  expect(drain(queue)).toEqual(served);
  expect(queue.size).toBe(0);
});

test("a caller who comes back has his turn after those who wait", () => {
  const queue = queueOf("a1", "b1");
  expect(queue.shift()).toBe("a1");
  queue.push("a", "a2");
  expect(drain(queue)).toEqual(["b1", "a2"]);
});

test("who had his turn in vain is next, before all others and before what he added since", () => {
  const queue = queueOf("a1", "b1", "a2");
  const missed = queue.shift() ?? "";
  queue.pushFront("a", missed);
  expect(drain(queue)).toEqual(["a1", "b1", "a2"]);
});

test("who cannot use his turn keeps it, and the next who can is served", () => {
  const queue = queueOf("a1", "b1", "c1", "b2");
  expect(queue.shift((item) => item !== "a1")).toBe("b1");
  expect(queue.shift((item) => item.startsWith("d"))).toBeUndefined();
  expect(drain(queue)).toEqual(["a1", "c1", "b2"]);
});

test("who can use a turn is not held up by his own who cannot", () => {
  const queue = queueOf("a1", "a2", "b1");
  expect(queue.shift((item) => item !== "a1")).toBe("a2");
  expect(drain(queue)).toEqual(["b1", "a1"]);
});

test("what leaves the queue is not served, and leaving twice changes nothing", () => {
  const queue = queueOf("a1", "a2", "b1");
  expect(queue.remove("a", "a1")).toBe(true);
  expect(queue.remove("a", "a1")).toBe(false);
  expect(queue.remove("c", "c1")).toBe(false);
  expect(queue.size).toBe(2);
  expect(drain(queue)).toEqual(["a2", "b1"]);
});

test("of the caller who has most waiting the last one is dropped, where that is more than may be", () => {
  const queue = queueOf("a1", "b1", "b2", "b3", "a2");
  expect(queue.dropBeyond(3)).toBeUndefined();
  expect(queue.dropBeyond(2)).toBe("b3");
  expect(queue.dropBeyond(2)).toBeUndefined();
  expect(drain(queue)).toEqual(["a1", "b1", "a2", "b2"]);
});

const arrivals = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 });

test("how many are ahead is how many are served before, if nobody else comes", () => {
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

test("nobody is served twice as long as another waits who came before", () => {
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
