import type { PGlite } from "@electric-sql/pglite";
import type { PGliteDialectConfig } from "kysely";
import { DatabaseError } from "./database.ts";

/** The part of PGlite that Kysely and the job queue use. */
export type Pglite = Exclude<PGliteDialectConfig["pglite"], (...args: never[]) => unknown> &
  Pick<PGlite, "exec">;

/** SQLSTATE internal_error; https://www.postgresql.org/docs/current/errcodes-appendix.html */
const INTERNAL_ERROR = "XX000";

interface SelfHealingPgliteOptions {
  /** Opens the folder. PostgreSQL then recovers it from its write-ahead log. */
  readonly open: () => Promise<Pglite>;
  /** Called when the database stops. The next query reopens it. */
  readonly onBroken: (error: Error) => void;
}

/** One opening of the folder. */
interface Opening {
  readonly pglite: Pglite;
  /** Never resolves. Rejects the queries in progress when the database stops. */
  readonly stopped: Promise<never>;
  readonly stop: (error: Error) => void;
}

/**
 * A PGlite that reopens itself after a crash. PostgreSQL panics when it cannot write its log, for example on a full
 * disk, and a PostgreSQL server then restarts. PGlite does not restart: its queries would hang.
 */
export class SelfHealingPglite implements Pglite {
  readonly #options: SelfHealingPgliteOptions;
  readonly ready = true;
  readonly waitReady = Promise.resolve();
  /** Undefined after a crash, until the next query reopens the folder. */
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

  exec: Pglite["exec"] = (...query) => this.#use((pglite) => pglite.exec(...query));

  transaction: Pglite["transaction"] = (work) => {
    let hasBegun = false;
    const begin = (pglite: Pglite) =>
      pglite.transaction((transaction) => {
        hasBegun = true;
        return work(transaction);
      });
    return this.#use(begin).catch((error: unknown) => {
      if (hasBegun) throw error;
      // Kysely awaits only the start of the transaction, so its first query has to report the error.
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
        // The broken instance is not closed: closing writes to the folder that the new instance recovers.
        this.#opening = undefined;
        stop(new DatabaseError("The database has stopped, and the gateway reopens it.", { cause: error }));
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
  // Usually no query is in progress.
  stopped.catch(() => undefined);
  return { pglite, stopped, stop };
}

/** Returns whether the server ended, lost its state, or trapped in WebAssembly. */
function hasStopped(error: unknown): error is Error {
  const { name, severity, code } = error as Readonly<Record<"name" | "severity" | "code", unknown>>;
  // WebAssembly.RuntimeError, whose type only the DOM library declares.
  if (name === "RuntimeError") return true;
  return severity === "PANIC" || severity === "FATAL" || code === INTERNAL_ERROR;
}
