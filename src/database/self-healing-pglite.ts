import type { PGliteDialectConfig } from "kysely";
import { DatabaseError } from "./database.ts";

/** As much of PGlite as Kysely uses. */
export type Pglite = Exclude<PGliteDialectConfig["pglite"], (...args: never[]) => unknown>;

/** What PostgreSQL says of itself alone; https://www.postgresql.org/docs/current/errcodes-appendix.html */
const INTERNAL_ERROR = "XX000";

interface SelfHealingPgliteOptions {
  /** Opens the folder, which has PostgreSQL recover it from its write-ahead log. */
  readonly open: () => Promise<Pglite>;
  /** The database stopped; it is opened anew for whoever asks next. */
  readonly onBroken: (error: Error) => void;
}

/** One opening of the folder. */
interface Opening {
  readonly pglite: Pglite;
  /** Never resolves. Rejects when the database stops, for whoever waits for it then. */
  readonly stopped: Promise<never>;
  readonly stop: (error: Error) => void;
}

/**
 * PGlite that is opened anew where it has stopped. PostgreSQL ends with a PANIC where its log cannot be written, for
 * example on a full disk, and its server then starts again. PGlite stays as it is, and whoever asks it anything waits for
 * ever.
 */
export class SelfHealingPglite implements Pglite {
  readonly #options: SelfHealingPgliteOptions;
  readonly ready = true;
  readonly waitReady = Promise.resolve();
  /** Undefined where the next to ask has it opened. */
  #opening: Promise<Opening> | undefined;
  #closed = false;

  constructor(first: Pglite, options: SelfHealingPgliteOptions) {
    this.#options = options;
    this.#opening = Promise.resolve(createOpening(first));
  }

  get closed(): boolean {
    return this.#closed;
  }

  query: Pglite["query"] = (...query) => this.#use((pglite) => pglite.query(...query));

  transaction: Pglite["transaction"] = (work) => {
    let hasBegun = false;
    const begin = (pglite: Pglite) =>
      pglite.transaction((transaction) => {
        hasBegun = true;
        return work(transaction);
      });
    return this.#use(begin).catch((error: unknown) => {
      if (hasBegun) throw error;
      // Kysely waits for nothing but the beginning, and so hears of the error with its first query.
      const fail = () => Promise.reject(error);
      return work({ query: fail, rollback: fail });
    });
  };

  async close(): Promise<void> {
    this.#closed = true;
    const opening = await this.#opening?.catch(() => undefined);
    await opening?.pglite.close();
  }

  async #use<Result>(ask: (pglite: Pglite) => Promise<Result>): Promise<Result> {
    this.#opening ??= this.#open();
    const current = this.#opening;
    const { pglite, stopped, stop } = await current;
    try {
      return await Promise.race([ask(pglite), stopped]);
    } catch (error) {
      if (hasStopped(error) && this.#opening === current) {
        // It is not closed: it would write to the folder what it believes, beside the one that recovers it.
        this.#opening = undefined;
        stop(new DatabaseError("The database has stopped, and is opened anew.", { cause: error }));
        this.#options.onBroken(error);
      }
      throw error;
    }
  }

  async #open(): Promise<Opening> {
    if (this.#closed) throw new DatabaseError("The database is closed.");
    try {
      return createOpening(await this.#options.open());
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }
}

function createOpening(pglite: Pglite): Opening {
  const { promise: stopped, reject: stop } = Promise.withResolvers<never>();
  // Often nobody waits for it.
  stopped.catch(() => undefined);
  return { pglite, stopped, stop };
}

/** An end of the server, a state that it does not know any more, or a trap of its WebAssembly. */
function hasStopped(error: unknown): error is Error {
  const { name, severity, code } = error as Readonly<Record<"name" | "severity" | "code", unknown>>;
  // WebAssembly.RuntimeError, whose types only a browser's library has.
  if (name === "RuntimeError") return true;
  return severity === "PANIC" || severity === "FATAL" || code === INTERNAL_ERROR;
}
