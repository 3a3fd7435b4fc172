import { describe, expect, test } from "vitest";
import { PriorityGate } from "../../src/database/pglite-database.ts";
import { shareConnections } from "../../src/database/postgres-database.ts";

describe("connections are divided", () => {
  test.each([
    [3, 1, 1, 1],
    [4, 2, 1, 1],
    [5, 2, 1, 2],
    [6, 3, 1, 2],
    [7, 3, 1, 3],
    [9, 4, 1, 4],
    [10, 4, 2, 4],
    [11, 5, 2, 4],
    [20, 8, 4, 8],
    [100, 40, 20, 40],
  ])("%i are %i for changes, %i for the quota and %i for reads", (total, changes, quota, reads) => {
    expect(shareConnections(total)).toEqual({ changes, quota, reads });
  });

  test("completely, with at least one for each lane, for any number", () => {
    for (let total = 3; total <= 1_000; total++) {
      const { changes, quota, reads } = shareConnections(total);
      expect(changes + quota + reads).toBe(total);
      expect(Math.min(changes, quota, reads)).toBeGreaterThanOrEqual(1);
    }
  });
});

describe("one connection", () => {
  test("runs urgent work before other work, each in order of arrival, and continues after an error", async () => {
    const gate = new PriorityGate();
    const done: string[] = [];
    const first = Promise.withResolvers<void>();
    const work = (name: string) => async () => {
      done.push(name);
      if (name === "read 2") throw new Error("It failed.");
    };
    const all = [
      gate.run(false, () => first.promise),
      gate.run(false, work("read 1")),
      gate.run(false, work("read 2")),
      gate.run(false, work("read 3")),
      gate.run(true, work("change 1")),
      gate.run(true, work("change 2")),
    ];
    first.resolve();
    await Promise.allSettled(all);
    await gate.run(false, work("read 4"));
    expect(done).toEqual(["change 1", "change 2", "read 1", "read 2", "read 3", "read 4"]);
  });
});
