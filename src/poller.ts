import { readFile } from "node:fs/promises";
import type { Clock } from "./clock.ts";
import { whyUnreadable } from "./utf8.ts";

/** Runs a task in a loop until stopped. */
export class Poller {
  readonly #clock: Clock;
  readonly #task: () => Promise<number>;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param task Handles its own errors and resolves to the milliseconds until its next run. */
  constructor(clock: Clock, task: () => Promise<number>) {
    this.#clock = clock;
    this.#task = task;
  }

  start(delayMs = 0): void {
    this.#running = this.#run(delayMs);
  }

  /** Resolves when the task has stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    for (let restMs = delayMs; ; restMs = await this.#task()) {
      if (restMs > 0) await this.#clock.sleep(restMs, signal).catch(() => undefined);
      if (signal.aborted) return;
    }
  }
}

/** The bytes of a file, or the reason why the gateway cannot read it. */
export type FileRead = { readonly bytes: Buffer } | { readonly problem: string };

interface PolledFileOptions {
  readonly file: string;
  readonly clock: Clock;
  /** The read that is in use already. */
  readonly first: FileRead;
  /** Receives each change of the file. A read that resolves to "again" is used again after half a minute. */
  readonly use: (read: FileRead) => Promise<"done" | "again">;
}

/** The time between two reads. The gateway polls, because watchers miss the replacement of a whole mounted file. */
export const FILE_POLL_MS = 2_000;

const AGAIN_AFTER_MS = 30_000;

/**
 * Polls a file. Uses a change when two consecutive reads return the same bytes, because half of a YAML file is often
 * valid YAML with another meaning.
 */
export class PolledFile {
  readonly #options: PolledFileOptions;
  readonly #poller: Poller;
  #used: FileRead;
  #last: FileRead;
  #againAtMs = Number.POSITIVE_INFINITY;

  constructor(options: PolledFileOptions) {
    this.#options = options;
    this.#used = this.#last = options.first;
    this.#poller = new Poller(options.clock, () => this.#poll());
  }

  start(): void {
    this.#poller.start(FILE_POLL_MS);
  }

  /** Resolves when the use of a change is over. */
  stop(): Promise<void> {
    return this.#poller.stop();
  }

  async #poll(): Promise<number> {
    const { file, clock, use } = this.#options;
    const read = await readOnce(file);
    const isSettled = isSame(read, this.#last);
    this.#last = read;
    if (!isSettled || (isSame(read, this.#used) && clock.monotonic() < this.#againAtMs)) return FILE_POLL_MS;
    this.#used = read;
    const isDone = (await use(read)) === "done";
    this.#againAtMs = isDone ? Number.POSITIVE_INFINITY : clock.monotonic() + AGAIN_AFTER_MS;
    return FILE_POLL_MS;
  }
}

/** Reads a file. Never rejects. */
export function readOnce(file: string): Promise<FileRead> {
  return readFile(file).then(
    (bytes) => ({ bytes }),
    (error: unknown) => ({ problem: whyUnreadable(error) }),
  );
}

function isSame(one: FileRead, other: FileRead): boolean {
  return "bytes" in one
    ? "bytes" in other && one.bytes.equals(other.bytes)
    : "problem" in other && one.problem === other.problem;
}
