/**
 * Runs SQL statements, and maps an unavailable store to one error. `SharedStatements` combines requests that come
 * together.
 */

import { type Kysely, type RawBuilder, sql } from "kysely";
import { type Clock, systemClock } from "../clock.ts";
import { GatewayError } from "../contract/index.ts";
import type { Database, Tables } from "./database.ts";
import { isUnavailable } from "./store-errors.ts";

/**
 * Runs one statement, and returns its rows in the form of `fromRow`.
 *
 * @throws GatewayError STORE_UNAVAILABLE, with the driver's error as its cause, while the store is unavailable. After a
 *   lost connection, the statement may still have taken effect.
 * @throws the driver's error for an invalid statement or value, which is a fault of the gateway.
 */
export function runQuery<Row>({ db }: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return run(db, query);
}

/**
 * Runs one statement for several requests. Returns nothing if one of them is at fault, because the others must not fail
 * with it.
 *
 * @throws GatewayError STORE_UNAVAILABLE
 */
export async function runShared<Row>(
  database: Database,
  query: RawBuilder<unknown>,
): Promise<readonly Row[]> {
  return runQuery<Row>(database, query).catch((error: unknown) => {
    if (error instanceof GatewayError) throw error;
    return [];
  });
}

/** Runs one statement that only reads. Throws the errors of `runQuery`. */
export function runRead<Row>({ reads }: Database, query: RawBuilder<unknown>): Promise<Row[]> {
  return run(reads, query, "A read ends after two seconds: narrow its filter, or try again later.");
}

/** Runs statements in one transaction. Throws the errors of `runQuery`. */
export function inTransaction<Result>(
  database: Database,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  return explain(database.db.transaction().execute((db) => work({ ...database, db })));
}

async function run<Row>(db: Kysely<Tables>, query: RawBuilder<unknown>, ifSlow?: string): Promise<Row[]> {
  const { rows } = await explain(query.execute(db), ifSlow);
  return rows.map((row) => fromRow<Row>(row));
}

/** Returns a row with its columns' names in camel case, and without the columns that are null. */
export function fromRow<Row>(row: unknown): Row {
  const columns = Object.entries(row as object).filter(([, value]) => value !== null);
  return Object.fromEntries(columns.map(([name, value]) => [camelCase(name), value])) as Row;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

async function explain<Result>(work: Promise<Result>, ifSlow?: string): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof GatewayError || !isUnavailable(cause)) throw cause;
    // query_canceled, by statement_timeout.
    const isTimeout = (cause as { readonly code?: unknown }).code === "57014";
    throw new GatewayError("STORE_UNAVAILABLE", { hint: isTimeout ? ifSlow : undefined, cause });
  }
}

interface SharedStatementsDeps<Request, Answer> {
  /** Runs a statement for one request. */
  readonly runOne: (request: Request) => Promise<Answer>;
  /**
   * Runs one statement for several requests, and returns their answers in the same order. Undefined at a place:
   * `runOne` runs that request by itself.
   */
  readonly runBatch: (requests: readonly Request[]) => Promise<readonly (Answer | undefined)[]>;
  readonly clock?: Clock | undefined;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
  readonly reject: (error: unknown) => void;
  /** Runs a function soon, once, in the asynchronous context of the request. */
  readonly inContext: (run: () => void) => void;
}

/** The most requests of one statement. It bounds the time and the locks of a statement. */
const MAX_BATCH = 64;

/**
 * After this time the next statement starts, even if the current one still runs, for example because it waits for a
 * lock.
 */
const MAX_WAIT_MS = 100;

/**
 * Combines requests into statements of at most MAX_BATCH requests. Requests of one turn of the event loop share a
 * statement. Those that arrive while it runs share the next one, which starts when it ends, or after MAX_WAIT_MS even
 * if it still runs. So an idle gateway waits for nothing, and a busy one sends few statements.
 */
export class SharedStatements<Request, Answer> {
  readonly #deps: SharedStatementsDeps<Request, Answer>;
  #waiting: Waiting<Request, Answer>[] = [];
  #isRunning = false;

  constructor(deps: SharedStatementsDeps<Request, Answer>) {
    this.#deps = deps;
  }

  run(request: Request): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    // The callback of a promise keeps its context, at a tenth of the cost of AsyncLocalStorage.snapshot.
    const { promise: turn, resolve: inContext } = Promise.withResolvers<() => void>();
    void turn.then((run) => run());
    this.#waiting.push({ request, resolve, reject, inContext });
    if (!this.#isRunning) {
      this.#isRunning = true;
      // Replies of CAM that arrive in one turn of the event loop share a statement.
      setImmediate(() => this.#runNext());
    }
    return promise;
  }

  #runNext(): void {
    const { clock = systemClock } = this.#deps;
    const batch = this.#waiting.splice(0, MAX_BATCH);
    const [first] = batch;
    this.#isRunning = first !== undefined;
    if (first === undefined) return;
    let isOver = false;
    const next = (): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      this.#runNext();
    };
    const cancel = clock.after(MAX_WAIT_MS, next);
    // The span of the statement belongs to the trace of one of the requests.
    first.inContext(() => void this.#runTogether(batch, next));
  }

  async #runTogether(batch: readonly Waiting<Request, Answer>[], ended: () => void): Promise<void> {
    const { runOne, runBatch } = this.#deps;
    const [first] = batch;
    try {
      if (batch.length === 1) first?.resolve(await runOne(first.request));
      else {
        const answers = await runBatch(batch.map(({ request }) => request));
        for (const [index, { request, resolve, inContext }] of batch.entries()) {
          const answer = answers[index];
          if (answer !== undefined) resolve(answer);
          // This function runs in the context of the first request.
          else if (index === 0) resolve(runOne(request));
          else inContext(() => resolve(runOne(request)));
        }
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    ended();
  }
}

/** The present time of the database's clock. */
export const NOW = sql<Date>`clock_timestamp()`;

/** Returns milliseconds as an interval. */
export function inMs(ms: number): RawBuilder<unknown> {
  return sql`(${ms}::double precision * interval '1 millisecond')`;
}

/** Returns a text array as one value. No name of an account or receiver, no scope and no Uin needs a quote. */
export function textArray(texts: readonly string[]): RawBuilder<readonly string[]> {
  return sql`${`{${texts.join(",")}}`}::text[]`;
}
