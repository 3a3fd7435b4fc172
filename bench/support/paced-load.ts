import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";

export interface PacedLoadOptions {
  /** Of the endpoint that takes the requests. */
  readonly url: string;
  readonly requestsPerSecond: number;
  /** Keep-alive connections that share the requests. */
  readonly connections: number;
  /** The JSON body of the next request. */
  readonly nextBody: () => string;
  /** Throws where a reply is not what it has to be. */
  readonly check: (reply: string) => void;
}

/**
 * Offers requests at a fixed rate, whether or not earlier ones are answered, so that every contestant has the same
 * to do in the same time.
 */
export class PacedLoad implements AsyncDisposable {
  readonly #options: PacedLoadOptions;
  readonly #pool: Pool;

  constructor(options: PacedLoadOptions) {
    this.#options = options;
    this.#pool = new Pool(new URL(options.url).origin, { connections: options.connections });
  }

  /** Resolves when all are answered. Rejects where one is not answered as it has to be. */
  async send(count: number): Promise<void> {
    const { requestsPerSecond } = this.#options;
    const startedMs = performance.now();
    const failures: unknown[] = [];
    const pending: Promise<void>[] = [];
    while (pending.length < count && failures.length === 0) {
      const due = Math.ceil(((performance.now() - startedMs) * requestsPerSecond) / 1000);
      while (pending.length < Math.min(due, count)) {
        pending.push(this.#sendOne().catch((error: unknown) => void failures.push(error)));
      }
      await sleep(1);
    }
    await Promise.all(pending);
    if (failures.length > 0)
      throw new AggregateError(failures.slice(0, 3), `${failures.length} requests failed.`);
  }

  async #sendOne(): Promise<void> {
    const { statusCode, body } = await this.#pool.request({
      path: new URL(this.#options.url).pathname,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: this.#options.nextBody(),
    });
    const reply = await body.text();
    if (statusCode !== 200) throw new Error(`HTTP ${statusCode}: ${reply}`);
    this.#options.check(reply);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.close();
  }
}
