import { expect, test } from "vitest";
import { CallerQueues } from "../src/fair-queue.ts";

type Waiter = ReturnType<typeof waiter>;

/** "a1" is a call of caller a that a person waits for; "A1" is bulk work of the same caller. */
function waiter(name: string) {
  const caller = name.charAt(0).toLowerCase();
  return { name, caller, priority: name.startsWith(caller) ? ("interactive" as const) : ("bulk" as const) };
}

function linesOf(most: number, ...names: readonly string[]): CallerQueues<Waiter> {
  const lines = new CallerQueues<Waiter>(most);
  for (const name of names) lines.push(waiter(name));
  return lines;
}

test("people are served before bulk work, and callers by turns in each", () => {
  const lines = linesOf(10, "A1", "a1", "B1", "a2", "b1", "A2");
  const served = lines.inOrder().map(({ name }) => name);
  expect(served).toEqual(["a1", "b1", "a2", "A1", "B1", "A2"]);
  expect(served.map(() => lines.shift()?.name)).toEqual(served);
  expect(lines.shift()).toBeUndefined();
});

test.each([
  { comes: "a", ahead: 2 },
  { comes: "c", ahead: 2 },
  { comes: "A", ahead: 4 },
  { comes: "C", ahead: 4 },
])("$ahead calls are ahead of a new call of $comes", ({ comes, ahead }) => {
  expect(linesOf(10, "a1", "b1", "A1", "B1").ahead(waiter(comes))).toBe(ahead);
});

test.each([
  { full: ["a1", "a2", "a3"], comes: "b1", dropped: "a3" },
  { full: ["a1", "a2", "A1"], comes: "a3", dropped: "A1" },
  { full: ["A1", "A2", "A3"], comes: "B1", dropped: "A3" },
])("if $full fill the queue, $comes evicts $dropped", ({ full, comes, dropped }) => {
  const lines = linesOf(3, ...full);
  expect(lines.makeRoom(waiter(comes))).toMatchObject({ dropped: { name: dropped } });
  expect(lines.size).toBe(2);
});

test.each([
  { full: ["a1", "a2", "a3"], comes: "a4" },
  { full: ["a1", "b1", "b2"], comes: "a2" },
  { full: ["a1", "b1", "c1"], comes: "d1" },
  { full: ["a1", "a2", "a3"], comes: "A1" },
  { full: ["A1", "A2", "B1"], comes: "B2" },
])("if $full fill the queue, it has no room for $comes", ({ full, comes }) => {
  const lines = linesOf(3, ...full);
  expect(lines.makeRoom(waiter(comes))).toBe(false);
  expect(lines.size).toBe(3);
});

test("a queue that is not full has room for any call", () => {
  expect(linesOf(2, "a1").makeRoom(waiter("a2"))).toEqual({ dropped: undefined });
});
