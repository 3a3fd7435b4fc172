import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Program } from "../support/program.ts";

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** Whether the first replica refused the connection, so that another one got the request. */
  readonly retried: boolean;
}

/**
 * Sends each request to the next replica, and once more to another one if the first refuses the connection, as HAProxy does.
 * Never sends a request twice that a replica may have received. Keeps connections open between requests.
 */
export class Balancer implements AsyncDisposable {
  readonly #replicas: Program[] = [];
  readonly #agent = new Agent();
  readonly #noticedAfterMs: number;
  #turn = 0;

  /** @param noticedAfterMs The time after which the balancer takes a replica out that refuses connections. */
  constructor(noticedAfterMs: number) {
    this.#noticedAfterMs = noticedAfterMs;
  }

  add(replica: Program): void {
    this.#replicas.push(replica);
  }

  /** Stops a replica. It stays in rotation until the balancer would notice. */
  async stop(replica: Program): Promise<void> {
    await replica[Symbol.asyncDispose]();
    await sleep(this.#noticedAfterMs);
    this.#replicas.splice(this.#replicas.indexOf(replica), 1);
  }

  async send(body: string, headers: Readonly<Record<string, string>>): Promise<Reply> {
    const first = this.#next();
    try {
      return { ...(await this.#sendTo(first, body, headers)), retried: false };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
      return { ...(await this.#sendTo(this.#next(first), body, headers)), retried: true };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#agent.close();
  }

  #next(except?: Program): Program {
    const others = this.#replicas.filter((replica) => replica !== except);
    const replica = others[this.#turn++ % others.length];
    if (replica === undefined) throw new Error("No replica is in rotation.");
    return replica;
  }

  async #sendTo(replica: Program, body: string, headers: Readonly<Record<string, string>>) {
    const reply = await request(replica.told, { method: "POST", dispatcher: this.#agent, headers, body });
    return { status: reply.statusCode, body: await reply.body.text() };
  }
}
