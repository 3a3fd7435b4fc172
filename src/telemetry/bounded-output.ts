import { constants, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";

/** The size of the buffer. A busy replica fills it in a few seconds. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** The size of a write. Lines of one turn of the event loop go out together. */
const FLUSH_BYTES = 16 * 1024;

const FULL_RETRY_MS = 50;
/** After the reader has closed, or on a full disk. */
const FAILED_RETRY_MS = 1_000;

/** At exit the process waits for a slow reader for half a second at most. */
const EXIT_TRIES = 50;
const EXIT_PAUSE_MS = 10;

interface BoundedOutputOptions {
  /** Writes as many bytes as fit, and returns their number. Throws EAGAIN if none fit. */
  readonly write: (bytes: Uint8Array) => number;
  /** Returns the line that replaces dropped lines. */
  readonly describeDropped: (count: number) => string;
}

/**
 * Writes lines to a file descriptor that may stall, such as a pipe without a reader. A write never blocks. Lines that
 * do not fit into the buffer are dropped, and one line replaces them with their number. Failed writes are retried.
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
    // After a drop, half of the buffer has to be free first. Otherwise a slow reader would get one note for each line.
    const most = this.#dropped > 0 ? MAX_BUFFERED_BYTES / 2 : MAX_BUFFERED_BYTES;
    if (this.#waitingBytes + bytes > most) {
      this.#dropped += 1;
      return;
    }
    this.#noteDropped();
    this.#push(line, bytes);
    if (this.#retry !== undefined) return;
    if (this.#waitingBytes >= FLUSH_BYTES) this.#flush();
    else this.#flushSoon();
  }

  /** Writes the buffer at the end of the process, and blocks for a bounded time. */
  drain(): void {
    for (let left = EXIT_TRIES; left > 0 && this.#send() === "full"; left--) pause(EXIT_PAUSE_MS);
  }

  #push(line: string, bytes = Buffer.byteLength(line)): void {
    this.#lines.push(line);
    this.#waitingBytes += bytes;
  }

  #noteDropped(): void {
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

  /** Writes until the buffer is empty, the descriptor is full, or a write fails. */
  #send(): "empty" | "full" | "failed" {
    for (;;) {
      if (this.#unsent.length === 0) {
        if (this.#lines.length === 0) this.#noteDropped();
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

/** Opens standard output or error without blocking writes: a full pipe refuses a write, and a full disk fails it. */
export function openOutput(fd: 1 | 2, describeDropped: (count: number) => string): BoundedOutput {
  const target = withoutWaiting(fd);
  const output = new BoundedOutput({ write: (bytes) => writeSync(target, bytes), describeDropped });
  process.on("exit", () => output.drain());
  return output;
}

/** Returns a descriptor whose writes do not block. */
function withoutWaiting(fd: 1 | 2): number {
  if (isatty(fd)) {
    try {
      // A stopped terminal (Ctrl-S) would block the process. The gateway reopens the terminal, because other programs
      // share the settings of the inherited descriptor.
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      return fd;
    }
  }
  // Node makes a pipe or socket non-blocking when it creates the stream, on the first access. Without a listener, the
  // error of a closed reader would end the process.
  const stream = fd === 1 ? process.stdout : process.stderr;
  stream.on("error", () => undefined);
  return fd;
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
