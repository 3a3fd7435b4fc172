import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { progressBarOn } from "../../src/cli/terminal.ts";

function written(stream: PassThrough): string {
  return String(stream.read() ?? "");
}

test("a terminal shows a bar that each step overwrites, and that the end removes", () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  const bar = progressBarOn(terminal);
  bar.show(15, 30, ", about 2 min left");
  expect(written(terminal)).toBe(
    `\r\u001b[K[${"#".repeat(15)}${"-".repeat(15)}] 15 of 30 users, about 2 min left`,
  );
  bar.show(0, 0);
  expect(written(terminal)).toBe(`\r\u001b[K[${"-".repeat(30)}] 0 of 0 users`);
  bar.clear();
  expect(written(terminal)).toBe("\r\u001b[K");
});

test("a file or a pipe receives nothing", () => {
  const pipe = new PassThrough();
  const bar = progressBarOn(pipe);
  bar.show(1, 2);
  bar.clear();
  expect(written(pipe)).toBe("");
});
