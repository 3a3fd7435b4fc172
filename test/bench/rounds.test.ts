import { expect, test } from "vitest";
import { joinSeries, measureInTurns, median, ratioOf } from "../../bench/support/rounds.ts";

test.each([
  { figures: [3, 1, 2], middle: 2 },
  { figures: [4, 1, 3, 2], middle: 2.5 },
  { figures: [7], middle: 7 },
  { figures: [], middle: Number.NaN },
])("the median of $figures is $middle", ({ figures, middle }) => {
  expect(median(figures)).toBe(middle);
});

test("contestants run one round each in turn", async () => {
  const order: string[] = [];
  const contestant = (name: string) => ({ name, measure: async () => order.push(name) });
  const series = await measureInTurns([contestant("a"), contestant("b")], 2);
  expect(order).toEqual(["a", "b", "a", "b"]);
  expect(series).toEqual([
    { name: "a", figures: [1, 3] },
    { name: "b", figures: [2, 4] },
  ]);
});

test("measurements of the same contestants are joined", () => {
  const first = [
    { name: "a", figures: [1, 2] },
    { name: "b", figures: [3] },
  ];
  const second = [
    { name: "a", figures: [4] },
    { name: "b", figures: [5] },
  ];
  expect(joinSeries([first, second])).toEqual([
    { name: "a", figures: [1, 2, 4] },
    { name: "b", figures: [3, 5] },
  ]);
});

test("a ratio compares figures of the same round", () => {
  const series = [
    { name: "slow", figures: [20, 200] },
    { name: "fast", figures: [10, 50] },
  ];
  expect(ratioOf(series, "slow", "fast")).toEqual({ name: "slow / fast", figures: [2, 4] });
});

test("a ratio without figures is refused", () => {
  expect(() => ratioOf([], "slow", "fast")).toThrow("slow or fast was not measured.");
});
