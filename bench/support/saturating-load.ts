import { Pool } from "undici";

export interface SaturatingLoadOptions {
  /** The address of the endpoint. */
  readonly url: string;
  /** The number of keep-alive connections, each with one request in flight. */
  readonly connections: number;
  /** The JSON body of the next request. */
  readonly nextBody: () => string;
  /** Extra headers of the next request. */
  readonly nextHeaders?: () => Readonly<Record<string, string>>;
  /** Throws if a reply is wrong. */
  readonly check: (reply: string) => void;
}

/**
 * Sends the next request of a connection right after each answer, so that the program under test is never idle. An idle
 * program would find its CPU caches cold.
 */
export class SaturatingLoad implements AsyncDisposable {
  readonly #options: SaturatingLoadOptions;
  readonly #pool: Pool;

  constructor(options: SaturatingLoadOptions) {
    this.#options = options;
    this.#pool = new Pool(new URL(options.url).origin, { connections: options.connections });
  }

  /** Resolves when all requests are answered. Rejects if a reply is wrong. */
  async send(count: number): Promise<void> {
    let left = count;
    const keepSending = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#sendOne();
      }
    };
    await Promise.all(Array.from({ length: this.#options.connections }, keepSending));
  }

  async #sendOne(): Promise<void> {
    const { statusCode, body } = await this.#pool.request({
      path: new URL(this.#options.url).pathname,
      method: "POST",
      headers: { "content-type": "application/json", ...this.#options.nextHeaders?.() },
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
