import type { Balancer } from "./balancer.ts";

/** Two seconds of load. A gateway that is so far behind gets no more. */
const MOST_PENDING = 100;

/** A request and how to tell its outcome. */
interface Turn {
  readonly body: string;
  readonly requestId: string;
}

/** The requests of one phase. */
export interface Phase {
  readonly name: string;
  readonly latenciesMs: number[];
  retried: number;
  /** Requests without the wanted answer, by their code or fault. */
  readonly failures: Map<string, number>;
}

/** Sends requests at a constant rate, whether or not earlier ones were answered. */
export class SteadyLoad {
  readonly phases: Phase[] = [];
  readonly #balancer: Balancer;
  readonly #turnOf: (number: number) => Turn;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #pending = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(options: {
    readonly balancer: Balancer;
    readonly perSecond: number;
    readonly token: string;
    readonly turnOf: (number: number) => Turn;
  }) {
    this.#balancer = options.balancer;
    this.#turnOf = options.turnOf;
    this.#headers = { "content-type": "application/json", authorization: `Bearer ${options.token}` };
    const startMs = performance.now();
    this.#timer = setInterval(() => {
      // A late timer catches up, so that the rate holds.
      const due = ((performance.now() - startMs) * options.perSecond) / 1_000;
      while (this.#sent < due) this.#start();
    }, 5);
  }

  /** Counts the requests that start from now on in a phase of this name. */
  begin(name: string): void {
    this.phases.push({ name, latenciesMs: [], retried: 0, failures: new Map() });
  }

  /** Stops and waits for the last answers. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
  }

  #start(): void {
    const phase = this.phases.at(-1);
    const number = this.#sent++;
    if (phase === undefined) return;
    if (this.#pending.size >= MOST_PENDING) {
      countFailure(phase, "NOT_SENT");
      return;
    }
    const sending = this.#send(this.#turnOf(number), phase).finally(() => this.#pending.delete(sending));
    this.#pending.add(sending);
  }

  async #send({ body, requestId }: Turn, phase: Phase): Promise<void> {
    const startMs = performance.now();
    const failure = await this.#balancer.send(body, { ...this.#headers, "x-request-id": requestId }).then(
      ({ status, body: answer, retried }) => {
        if (retried) phase.retried += 1;
        const code = /"code":"(\w+)"/.exec(answer)?.[1];
        return code ?? (status === 200 ? undefined : `HTTP ${status}`);
      },
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    phase.latenciesMs.push(performance.now() - startMs);
    if (failure !== undefined) countFailure(phase, failure);
  }
}

function countFailure({ failures }: Phase, failure: string): void {
  failures.set(failure, (failures.get(failure) ?? 0) + 1);
}
