import { AsyncLocalStorage } from "node:async_hooks";
import { type Clock, systemClock, within } from "../clock.ts";

interface SharedStatementsDeps<Request, Answer> {
  /** Runs a statement for one request. */
  readonly one: (request: Request) => Promise<Answer>;
  /**
   * Runs one statement for several requests, and returns their answers in the same order. Undefined leaves a request to
   * `one`.
   */
  readonly several: (requests: readonly Request[]) => Promise<readonly (Answer | undefined)[]>;
  readonly clock?: Clock | undefined;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
  readonly reject: (error: unknown) => void;
  /** Runs a function in the asynchronous context of the request. */
  readonly inContext: <Result>(run: () => Result) => Result;
}

/** The most requests of one statement. It bounds the time and the locks of a statement. */
const MOST = 64;

/** A statement that takes longer, because it waits for a lock, does not hold up the next one. */
const PATIENCE_MS = 100;

/**
 * Runs one statement at a time for many requests. Requests that arrive while it runs share the next one. So an idle
 * gateway waits for nothing, and a busy one sends few statements.
 */
export class SharedStatements<Request, Answer> {
  readonly #deps: SharedStatementsDeps<Request, Answer>;
  #waiting: Waiting<Request, Answer>[] = [];
  #isRunning = false;

  constructor(deps: SharedStatementsDeps<Request, Answer>) {
    this.#deps = deps;
  }

  ask(request: Request): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ request, resolve, reject, inContext: AsyncLocalStorage.snapshot() });
    if (!this.#isRunning) void this.#runAll();
    return promise;
  }

  async #runAll(): Promise<void> {
    const { clock = systemClock } = this.#deps;
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, MOST);
      // The span of the statement belongs to the trace of one of the requests.
      const ran = asked[0]?.inContext(() => this.#run(asked)) ?? Promise.resolve();
      await within(clock, PATIENCE_MS, ran, () => undefined);
    }
    this.#isRunning = false;
  }

  async #run(asked: readonly Waiting<Request, Answer>[]): Promise<void> {
    const { one, several } = this.#deps;
    try {
      const requests = asked.map(({ request }) => request);
      const answers = asked.length > 1 ? await several(requests) : [];
      const left = asked.filter(({ resolve }, index) => {
        const answer = answers[index];
        if (answer !== undefined) resolve(answer);
        return answer === undefined;
      });
      // The statements for one request may wait for locks, each for itself.
      await Promise.allSettled(
        left.map(({ request, resolve, inContext }) => {
          const answer = inContext(() => one(request));
          resolve(answer);
          return answer;
        }),
      );
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
