import { Pool } from "undici";

/** A change that the load sends. */
interface Turn {
  readonly lane: number;
  /** The number of the change in its lane. */
  readonly number: number;
}

interface PacedLoadOptions {
  readonly url: string;
  /** The lanes, each with one request in flight. */
  readonly lanes: number;
  /** The most requests a second of a lane. */
  readonly perSecond: number;
  readonly bodyOf: (turn: Turn) => string;
  readonly headersOf?: (turn: Turn) => Readonly<Record<string, string>>;
}

/** The outcome of a time of load. */
export interface LoadResult {
  readonly perSecond: number;
  readonly count: number;
  readonly latenciesMs: readonly number[];
  /** Answers other than a change that CAM's reply resolved, by number. */
  readonly failures: readonly string[];
}

/** Sends changes in lanes, one at a time in each lane, at a limited pace. */
export class PacedLoad implements AsyncDisposable {
  readonly #options: PacedLoadOptions;
  readonly #pool: Pool;
  readonly #sent: number[];

  constructor(options: PacedLoadOptions) {
    this.#options = options;
    this.#pool = new Pool(new URL(options.url).origin, { connections: options.lanes });
    this.#sent = Array.from({ length: options.lanes }, () => 0);
  }

  async run(forMs: number): Promise<LoadResult> {
    const startMs = performance.now();
    const latenciesMs: number[] = [];
    const failures: string[] = [];
    const { lanes, perSecond } = this.#options;
    const runLane = async (lane: number): Promise<void> => {
      const gapMs = 1_000 / perSecond;
      let dueMs = startMs + (gapMs * lane) / lanes;
      while (dueMs < startMs + forMs) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
        const sentMs = performance.now();
        const reply = await this.#send(lane);
        latenciesMs.push(performance.now() - sentMs);
        if (!reply.includes('"resolvedBy":"REPLY"')) failures.push(reply);
        // A lane that is late does not catch up: the offered rate is a limit.
        dueMs = Math.max(dueMs + gapMs, performance.now());
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(lane)));
    const count = latenciesMs.length - failures.length;
    return { count, perSecond: (count * 1_000) / (performance.now() - startMs), latenciesMs, failures };
  }

  async #send(lane: number): Promise<string> {
    const { url, bodyOf, headersOf } = this.#options;
    const turn = { lane, number: this.#sent[lane] ?? 0 };
    this.#sent[lane] = turn.number + 1;
    const { body } = await this.#pool.request({
      path: new URL(url).pathname,
      method: "POST",
      headers: { "content-type": "application/json", ...headersOf?.(turn) },
      body: bodyOf(turn),
    });
    return body.text();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.close();
  }
}
