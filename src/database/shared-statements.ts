import { AsyncLocalStorage } from "node:async_hooks";
import { type Clock, systemClock } from "../clock.ts";

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
 * Runs one statement at a time for many requests. Requests that come in one turn of the event loop share a statement, and
 * those that arrive while it runs share the next one. So an idle gateway waits for nothing, and a busy one sends few
 * statements.
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
    if (!this.#isRunning) {
      this.#isRunning = true;
      // Replies of CAM that arrive in one turn of the event loop share a statement.
      setImmediate(() => this.#runNext());
    }
    return promise;
  }

  #runNext(): void {
    const { clock = systemClock } = this.#deps;
    const asked = this.#waiting.splice(0, MOST);
    const [first] = asked;
    this.#isRunning = first !== undefined;
    if (first === undefined) return;
    let isOver = false;
    const next = (): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      this.#runNext();
    };
    const cancel = clock.after(PATIENCE_MS, next);
    // The span of the statement belongs to the trace of one of the requests.
    void first.inContext(() => this.#run(asked, next));
  }

  async #run(asked: readonly Waiting<Request, Answer>[], ended: () => void): Promise<void> {
    const { one, several } = this.#deps;
    const [first] = asked;
    try {
      if (asked.length === 1) first?.resolve(await one(first.request));
      else {
        const answers = await several(asked.map(({ request }) => request));
        for (const [index, { request, resolve, inContext }] of asked.entries()) {
          resolve(answers[index] ?? inContext(() => one(request)));
        }
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
    ended();
  }
}
