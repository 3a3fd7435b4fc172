import { expect, test, vi } from "vitest";
import { BoundedOutput } from "../../src/telemetry/bounded-output.ts";

const MEGABYTE = 1024 * 1024;
const LINE = `${"x".repeat(1_023)}\n`;

/** An output with a reader that takes the given number of bytes. */
function open() {
  let room = 0;
  let failure: string | undefined;
  let text = "";
  let writes = 0;
  const output = new BoundedOutput({
    describeDropped: (count) => `${count} dropped\n`,
    write: (bytes) => {
      writes += 1;
      if (failure !== undefined || room === 0) {
        throw Object.assign(new Error("no"), { code: failure ?? "EAGAIN" });
      }
      const taken = Math.min(room, bytes.length);
      room -= taken;
      text += Buffer.from(bytes.subarray(0, taken)).toString("latin1");
      return taken;
    },
  });
  return {
    output,
    read: (bytes: number) => {
      room = bytes;
    },
    fail: (code: string | undefined) => {
      failure = code;
    },
    text: () => text,
    writes: () => writes,
  };
}

const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test.beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

test("lines of one turn of the event loop are written together, in order", async () => {
  const { output, read, text, writes } = open();
  read(MEGABYTE);
  for (const line of ["a\n", "b\n", "ü\n"]) output.write(line);
  expect(text()).toBe("");
  await later(0);
  expect(Buffer.from(text(), "latin1").toString()).toBe("a\nb\nü\n");
  expect(writes()).toBe(1);
});

test("lines for a stalled reader are buffered up to a limit, and a note counts the dropped lines", async () => {
  const { output, read, text } = open();
  for (let line = 0; line < 3_000; line++) output.write(LINE);
  await later(1_000);
  read(100 * MEGABYTE);
  await later(1_000);
  expect(text()).toBe(`${LINE.repeat(1_024)}${3_000 - 1_024} dropped\n`);
  output.write("next\n");
  await later(0);
  expect(text().endsWith(`dropped\nnext\n`)).toBe(true);
  expect(text().match(/dropped/g)).toHaveLength(1);
});

test("a slow reader gets few notes, and not one for each line", async () => {
  const { output, read, text } = open();
  for (let line = 0; line < 20_000; line++) {
    output.write(LINE);
    if (line % 10 === 0) {
      read(1_024);
      await later(50);
    }
  }
  read(100 * MEGABYTE);
  await later(1_000);
  const notes = [...text().matchAll(/^(\d+) dropped$/gm)].map(([, count]) => Number(count));
  expect(notes.length).toBeLessThan(10);
  const written = text().match(/^x+$/gm)?.length ?? 0;
  expect(written + notes.reduce((sum, count) => sum + count, 0)).toBe(20_000);
});

test("after a partial write the next write continues at the same byte, also within a character", async () => {
  const { output, read, text } = open();
  output.write("aé张b\n");
  for (let byte = 0; byte < 9; byte++) {
    read(1);
    await later(50);
  }
  expect(Buffer.from(text(), "latin1").toString()).toBe("aé张b\n");
});

test.each(["EPIPE", "ENOSPC", "EIO", "EBADF"])(
  "after %s the write is repeated once a second",
  async (code) => {
    const { output, read, fail, text, writes } = open();
    read(100 * MEGABYTE);
    fail(code);
    for (let line = 0; line < 2_000; line++) output.write(LINE);
    await later(10_000);
    expect(writes()).toBeLessThanOrEqual(12);
    fail(undefined);
    await later(1_000);
    expect(text()).toBe(`${LINE.repeat(1_024)}${2_000 - 1_024} dropped\n`);
  },
);

test("a line longer than the buffer is counted", async () => {
  const { output, read, text } = open();
  read(100 * MEGABYTE);
  output.write("y".repeat(2 * MEGABYTE));
  output.write("next\n");
  await later(0);
  expect(text()).toBe("1 dropped\nnext\n");
});

test("at its end the process writes the buffered lines within a time limit", () => {
  const reading = open();
  reading.read(MEGABYTE);
  reading.output.write("last\n");
  reading.output.drain();
  expect(reading.text()).toBe("last\n");
  const stalled = open();
  stalled.output.write("last\n");
  stalled.output.drain();
  expect(stalled.writes()).toBe(50);
  const gone = open();
  gone.fail("EPIPE");
  gone.output.write("last\n");
  gone.output.drain();
  expect(gone.writes()).toBe(1);
});
