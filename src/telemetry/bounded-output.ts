import { constants, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";

/** Lines that wait for their reader. A busy replica writes this much in a few seconds. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** Lines of one turn of the event loop go out together, in pieces of this size. */
const PIECE_BYTES = 16 * 1024;

const FULL_RETRY_MS = 50;
/** The reader is gone, or the disk is full. */
const FAILED_RETRY_MS = 1_000;

/** At its end the process waits half a second, and no longer, for a reader that is slow. */
const EXIT_TRIES = 50;
const EXIT_PAUSE_MS = 10;

interface BoundedOutputOptions {
  /** Writes as many bytes as there is room for, and returns their number. Throws EAGAIN where there is none. */
  readonly write: (bytes: Uint8Array) => number;
  /** The line that tells how many lines were dropped. */
  readonly describeDropped: (count: number) => string;
}

/**
 * Lines for a file descriptor that may stall, such as a pipe that nobody reads. A write never waits: lines that do not fit
 * into the buffer are dropped and counted, and one line in their place tells how many. A failed write is tried again.
 */
export class BoundedOutput {
  readonly #options: BoundedOutputOptions;
  #lines: string[] = [];
  #unsent: Uint8Array = new Uint8Array();
  #waitingBytes = 0;
  #dropped = 0;
  #isDue = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: BoundedOutputOptions) {
    this.#options = options;
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    // While lines are dropped, half of the buffer has to be free first: a slow reader would get a note for each line.
    const most = this.#dropped > 0 ? MOST_WAITING_BYTES / 2 : MOST_WAITING_BYTES;
    if (this.#waitingBytes + bytes > most) {
      this.#dropped += 1;
      return;
    }
    this.#tellDropped();
    this.#push(line, bytes);
    if (this.#retry !== undefined) return;
    if (this.#waitingBytes >= PIECE_BYTES) this.#flush();
    else this.#flushSoon();
  }

  /** Writes what waits, and waits itself for a bounded time; for the end of the process. */
  drain(): void {
    for (let left = EXIT_TRIES; left > 0 && this.#send() === "full"; left--) pause(EXIT_PAUSE_MS);
  }

  #push(line: string, bytes = Buffer.byteLength(line)): void {
    this.#lines.push(line);
    this.#waitingBytes += bytes;
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#push(this.#options.describeDropped(this.#dropped));
    this.#dropped = 0;
  }

  #flushSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#retry === undefined) this.#flush();
    });
  }

  #flush(): void {
    const state = this.#send();
    if (state === "empty") return;
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.#flush();
      },
      state === "full" ? FULL_RETRY_MS : FAILED_RETRY_MS,
    ).unref();
  }

  /** Writes until nothing waits, there is no room, or a write fails. */
  #send(): "empty" | "full" | "failed" {
    for (;;) {
      if (this.#unsent.length === 0) {
        if (this.#lines.length === 0) this.#tellDropped();
        if (this.#lines.length === 0) return "empty";
        this.#unsent = Buffer.from(this.#lines.join(""));
        this.#lines = [];
      }
      try {
        const written = this.#options.write(this.#unsent);
        this.#unsent = this.#unsent.subarray(written);
        this.#waitingBytes -= written;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EAGAIN" ? "full" : "failed";
      }
    }
  }
}

/** What stands in the way of a write never reaches the event loop: a full pipe refuses it, and a full disk fails it. */
export function openOutput(fd: 1 | 2, describeDropped: (count: number) => string): BoundedOutput {
  const target = withoutWaiting(fd);
  const output = new BoundedOutput({ write: (bytes) => writeSync(target, bytes), describeDropped });
  process.on("exit", () => output.drain());
  return output;
}

/** A descriptor whose writes do not wait. */
function withoutWaiting(fd: 1 | 2): number {
  if (isatty(fd)) {
    try {
      // A terminal that is stopped (Ctrl-S) would hold the process. Opened anew, since others share its settings.
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      return fd;
    }
  }
  // Node makes a pipe or socket non-blocking when it makes the stream, which is when it is first looked at. A reader that
  // is gone is an error of the stream as well, and would end the process.
  const stream = fd === 1 ? process.stdout : process.stderr;
  stream.on("error", () => undefined);
  return fd;
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
