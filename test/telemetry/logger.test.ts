import { expect, test } from "vitest";
import { createLogger } from "../../src/telemetry/logger.ts";
import { readableLine } from "../../src/telemetry/readable-line.ts";

/** Returns the line that the logger writes for the fields. */
function lineOf(fields: object): Record<string, unknown> {
  let line = "";
  const write = (text: string) => {
    line = text;
  };
  const logger = createLogger({ level: "info", destination: { write } });
  logger.forLibrary("test").info(fields, "said");
  return JSON.parse(line);
}

test("fields with the name of a secret are redacted, at the top and up to three levels below", () => {
  const fields = {
    authorization: "Bearer x",
    request: { cookie: "a=b", headers: { "x-tc-token": "t", accept: "text/html" } },
    calls: [{ signature: "s" }],
  };
  expect(lineOf(fields)).toMatchObject({
    authorization: "[redacted]",
    request: { cookie: "[redacted]", headers: { "x-tc-token": "[redacted]", accept: "text/html" } },
    calls: { 0: { signature: "[redacted]" } },
  });
});

test("a human-readable line has its level, message and fields, without characters that a terminal would obey", () => {
  const lines: string[] = [];
  const destination = { write: (text: string) => void lines.push(text) };
  const logger = createLogger({ level: "info", format: readableLine, destination });
  logger.report("cam.key_loaded", { account: "default", secretKey: "k" });
  logger.report("cam.throttled", { action: "\u009b2J\u202egnihton\n" });
  expect(lines).toEqual([
    'INFO: key for CAM loaded {"event":"cam.key_loaded","account":"default","secretKey":"[redacted]"}\n',
    'WARN: CAM throttled a call; all replicas slow down {"event":"cam.throttled","action":"\\u{9b}2J\\u{202e}gnihton\\n"}\n',
  ]);
});

test("a line that is not JSON stays unchanged", () => {
  expect(["Stopped.", "{ half", ""].map(readableLine)).toEqual(["Stopped.", "{ half", ""]);
});

test("an error keeps its type, message, code and stack, and loses other properties", () => {
  const err = Object.assign(new TypeError("no", { cause: new RangeError("too far") }), {
    code: "ERR_NO",
    input: "postgres://user:password@host",
    client: { connection: { password: "p" } },
  });
  expect(lineOf({ err })["err"]).toEqual({
    type: "TypeError",
    message: "no: too far",
    code: "ERR_NO",
    stack: expect.stringMatching(/logger\.test\.ts[\s\S]*caused by: RangeError: too far/),
  });
});

test("each error of an aggregate error is written in the same way", () => {
  const inner = Object.assign(new Error("refused"), { code: "ECONNREFUSED", socket: {} });
  const { err } = lineOf({ err: new AggregateError([inner], "all failed") });
  expect(err).toEqual({
    type: "AggregateError",
    message: "all failed",
    stack: expect.any(String),
    aggregateErrors: [{ type: "Error", message: "refused", code: "ECONNREFUSED", stack: expect.any(String) }],
  });
});

test("an error under another field name is written as an error, without secrets", () => {
  expect(lineOf({ failure: new TypeError("no") })["failure"]).toMatchObject({
    type: "TypeError",
    message: "no",
  });
  expect(
    JSON.stringify(lineOf({ failure: Object.assign(new Error("no"), { secretKey: "k" }) })),
  ).not.toContain('"k"');
});

test("logging does not change the logged object", () => {
  const fields = { token: "t", of: { token: "t" } };
  lineOf(fields);
  expect(fields).toEqual({ token: "t", of: { token: "t" } });
});

test("lines without secrets stay unchanged", () => {
  const fields = { none: null, missing: undefined, text: "x", list: [1, [2]], at: new Date(0) };
  expect(lineOf(fields)).toMatchObject({
    none: null,
    text: "x",
    list: [1, [2]],
    at: "1970-01-01T00:00:00.000Z",
  });
});

test.each([true, false])(
  "characters that a terminal would obey or reverse are escaped in a log line (readable: %s)",
  (readable) => {
    const lines: string[] = [];
    const logger = createLogger({
      level: "info",
      format: readable ? readableLine : undefined,
      destination: { write: (line) => lines.push(line) },
    });
    const text =
      "\u001b[2J \u009b2J \u202etxt \u2066x \u200f \u2028next \u2029 \u061c \u{e0041} \r\nlevel=error";
    logger.forLibrary("test").info({ name: text }, text);
    const [line = "", ...others] = lines;
    expect(others).toEqual([]);
    expect(line.endsWith("\n")).toBe(true);
    expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    if (!readable) expect(JSON.parse(line)).toMatchObject({ name: text, msg: text });
  },
);
