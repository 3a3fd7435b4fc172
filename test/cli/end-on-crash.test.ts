import { expect, test } from "vitest";
import { describeCrash } from "../../src/cli/end-on-crash.ts";

const SECRET = "the-password-of-the-database";

test("a crash writes one line with the error's kind, its causes and its position", () => {
  const cause = Object.assign(new RangeError("too far"), { code: "ERR_OUT_OF_RANGE" });
  const line = describeCrash(new TypeError("no", { cause }), "uncaughtException");
  expect(line).not.toContain("\n");
  const { errors, stack, ...rest } = JSON.parse(line);
  expect(rest).toEqual({
    level: "fatal",
    event: "process.crashed",
    msg: "a fault of the gateway ends the process",
    origin: "uncaughtException",
  });
  expect(errors).toEqual([{ type: "TypeError" }, { type: "RangeError", code: "ERR_OUT_OF_RANGE" }]);
  expect(stack.length).toBeGreaterThan(0);
});

const withCause = new Error("outer", { cause: new Error(`postgres://user:${SECRET}@host/db`) });
const withFields = Object.assign(new Error("refused"), {
  input: SECRET,
  code: `bad ${SECRET}`,
  name: `a ${SECRET}`,
});
const withFrames = new Error(
  `first\n    at ${SECRET} (somewhere:1:1)\n    at eval (data:text/javascript,${SECRET}:1:1)`,
);

test.each<readonly [string, unknown]>([
  ["its message", new Error(SECRET)],
  ["its cause", withCause],
  ["its fields", withFields],
  ["text like stack frames in its message", withFrames],
  ["a thrown text", SECRET],
  ["a thrown object", { message: SECRET }],
  ["a circle of causes", Object.assign(withCause, { cause: withCause })],
])("the line omits %s", (_what, error) => {
  const line = describeCrash(error, "unhandledRejection");
  expect(line).not.toContain(SECRET);
  expect(JSON.parse(line).errors.length).toBeLessThanOrEqual(5);
});
