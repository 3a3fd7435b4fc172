import { cpSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { PGlite } from "@electric-sql/pglite";
import { Kysely, type Logger, PGliteDialect } from "kysely";
import { lockDataDir } from "./data-dir-lock.ts";
import type { JobStore, Tables } from "./database.ts";
import { type Database, DatabaseError } from "./database.ts";
import { type Pglite, SelfHealingPglite } from "./self-healing-pglite.ts";

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

/** PGlite's default is 128 MB of buffers, and WebAssembly never returns memory. The system caches this small store. */
const START_PARAMS = [...PGlite.defaultStartParams, "-c", "shared_buffers=8MB"];

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
  const unlock = await prepare(dataDir);
  try {
    const databaseDir = join(dataDir, "pglite");
    if (!(await exists(databaseDir))) await makeDatabase(databaseDir, templateDir);
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

async function prepare(dataDir: string): Promise<() => Promise<void>> {
  try {
    // Only the owner may read the record.
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await lockDataDir(dataDir);
  } catch (cause) {
    if (cause instanceof DatabaseError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new DatabaseError(
      `The data folder ${dataDir} cannot be used (${code ?? message}). Set DATA_DIR to one that is writable.`,
      { cause },
    );
  }
}

/** Creates the database under another name and renames it, so that an interrupted start leaves no incomplete one. */
async function makeDatabase(databaseDir: string, templateDir: string): Promise<void> {
  const unfinished = `${databaseDir}.unfinished`;
  try {
    await rm(unfinished, { recursive: true, force: true });
    // The promise version takes four times the processor time for these thousand files.
    if (await exists(templateDir)) cpSync(templateDir, unfinished, { recursive: true });
    else await (await PGlite.create(unfinished, { startParams: START_PARAMS })).close();
    await rename(unfinished, databaseDir);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new DatabaseError(
      `The gateway cannot create a database in ${databaseDir} (${code ?? message}). Is the disk full?`,
      {
        cause,
      },
    );
  }
}

async function openExisting(databaseDir: string, templateDir: string): Promise<PGlite> {
  const madeBy = await versionOf(databaseDir);
  try {
    // Without this file PGlite would treat the folder as new and overwrite its data.
    if (madeBy === undefined) throw new Error("PG_VERSION is missing");
    return await PGlite.create(databaseDir, { startParams: START_PARAMS });
  } catch (cause) {
    const ours = await versionOf(templateDir);
    const reason =
      madeBy !== undefined && ours !== undefined && madeBy !== ours
        ? `it was made by PostgreSQL ${madeBy}, and this is PostgreSQL ${ours}`
        : "it may be damaged";
    throw new DatabaseError(
      `The database in ${databaseDir} cannot be opened: ${reason}. Nothing was deleted. Move the folder away to start with an empty record, or restore a copy.`,
      { cause },
    );
  }
}

function versionOf(databaseDir: string): Promise<string | undefined> {
  return readFile(join(databaseDir, "PG_VERSION"), "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
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
    unhurried: (work) => work(urgent),
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
  const lane: Pglite = {
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
    dialect: new PGliteDialect({ pglite: lane }),
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

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
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
