import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { PGlite } from "@electric-sql/pglite";
import { Kysely, type Logger, PGliteDialect, type PGliteDialectConfig } from "kysely";
import { type Database, DatabaseError, type JobStore, type Tables } from "./database.ts";
import { makeDatabase, openExisting, prepareDataDir } from "./pglite-folder.ts";

interface PgliteOptions {
  /** The data folder. Created if it is missing. */
  readonly dataDir: string;
  /** A migrated database to copy into a new folder. Without it PGlite needs ten seconds and half a gigabyte to create one. */
  readonly templateDir: string;
  /** Called when the database stops, for example on a full disk. The next query reopens it. */
  readonly onBroken?: (error: Error) => void;
  /** Receives each statement. */
  readonly onStatement?: Logger | undefined;
}

/**
 * Opens PostgreSQL inside this process, for one machine. One process at a time may use a folder. The gateway never
 * deletes anything to make a folder usable.
 *
 * @throws DatabaseError if the folder is in use, is not writable, or has no usable database.
 */
export async function openPglite({
  dataDir,
  templateDir,
  onBroken,
  onStatement,
}: PgliteOptions): Promise<Database> {
  compileQuickly();
  const unlock = await prepareDataDir(dataDir);
  try {
    const databaseDir = join(dataDir, "pglite");
    await makeDatabase(databaseDir, templateDir);
    const open = () => openExisting(databaseDir, templateDir);
    const pglite = new SelfHealingPglite(await open(), { open, onBroken: (error) => onBroken?.(error) });
    return wrap(pglite, unlock, onStatement);
  } catch (error) {
    await unlock();
    throw error;
  }
}

/**
 * Turns off V8's optimising compiler for WebAssembly. The compiler needs five seconds and half a gigabyte for the large
 * functions of PGlite. The statements of this store are too few to gain as much.
 */
export function compileQuickly(): void {
  setFlagsFromString("--no-wasm-tier-up");
  setFlagsFromString("--no-wasm-dynamic-tiering");
}

function wrap(
  pglite: SelfHealingPglite,
  unlock: () => Promise<void>,
  onStatement: Logger | undefined,
): Database {
  const gate = new PriorityGate();
  const open = (isUrgent: boolean) => openLane(pglite, gate, isUrgent, onStatement);
  const [urgent, reads] = [open(true), open(false)];
  const close = async () => {
    await Promise.all([urgent.destroy(), reads.destroy()]);
    // Kysely does not close a database that it has not used.
    if (!pglite.closed) await pglite.close();
    await unlock();
  };
  let closed: Promise<void> | undefined;
  return {
    kind: "pglite",
    db: urgent,
    quota: urgent,
    reads,
    jobs: openJobStore(pglite, gate),
    withoutTimeLimit: (work) => work(urgent),
    pools: () => [],
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** PGlite has one connection. Changes and quota slots use it before reads. */
function openLane(
  pglite: SelfHealingPglite,
  gate: PriorityGate,
  isUrgent: boolean,
  onStatement: Logger | undefined,
): Kysely<Tables> {
  const gated: Pglite = {
    ready: true,
    waitReady: pglite.waitReady,
    get closed() {
      return pglite.closed;
    },
    close: () => pglite.close(),
    query: (...query) => gate.run(isUrgent, () => pglite.query(...query)),
    exec: (...query) => gate.run(isUrgent, () => pglite.exec(...query)),
    transaction: (work) => gate.run(isUrgent, () => pglite.transaction(work)),
  };
  return new Kysely<Tables>({
    dialect: new PGliteDialect({ pglite: gated }),
    ...(onStatement && { log: onStatement }),
  });
}

/** The job queue waits for changes and quota slots. Its statements may fail inside a transaction that they began. */
function openJobStore(pglite: SelfHealingPglite, gate: PriorityGate): JobStore {
  const run = async (text: string, values: unknown[] = []): Promise<{ readonly rows: unknown[] }> => {
    if (values.length > 0) return pglite.query(text, values);
    const results = await pglite.exec(text);
    return { rows: results.flatMap(({ rows }) => rows) };
  };
  return {
    ...{ kind: "pglite", schema: "public_jobs" },
    executeSql: (text, values) =>
      gate.run(false, () =>
        run(text, values).catch(async (error: unknown) => {
          await pglite.exec("rollback").catch(() => undefined);
          throw error;
        }),
      ),
  };
}

interface Waiting {
  readonly start: () => void;
  readonly isUrgent: boolean;
}

/** Runs one piece of work at a time: urgent work first, and each kind in the order of arrival. */
export class PriorityGate {
  readonly #waiting: Waiting[] = [];
  #isBusy = false;

  async run<Result>(isUrgent: boolean, work: () => Promise<Result>): Promise<Result> {
    await this.#enter(isUrgent);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter(isUrgent: boolean): Promise<void> | undefined {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return undefined;
    }
    const { promise, resolve: start } = Promise.withResolvers<void>();
    this.#waiting.push({ start, isUrgent });
    return promise;
  }

  #leave(): void {
    const urgent = this.#waiting.findIndex(({ isUrgent }) => isUrgent);
    const [next] = this.#waiting.splice(Math.max(0, urgent), 1);
    if (next === undefined) this.#isBusy = false;
    else next.start();
  }
}

/** The part of PGlite that Kysely and the job queue use. */
type Pglite = Exclude<PGliteDialectConfig["pglite"], (...args: never[]) => unknown> & Pick<PGlite, "exec">;

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
class SelfHealingPglite implements Pglite {
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
