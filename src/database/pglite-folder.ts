import { cpSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import { DatabaseError } from "./database.ts";

/** PGlite's default is 128 MB of buffers, and WebAssembly never returns memory. The system caches this small store. */
const START_PARAMS = [...PGlite.defaultStartParams, "-c", "shared_buffers=8MB"];

/** Creates a data folder if it is missing, and locks it. @returns a function that releases the lock. @throws DatabaseError */
export async function prepareDataDir(dataDir: string): Promise<() => Promise<void>> {
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

/**
 * Creates the database if it is missing. Creates it under another name and renames it, so that an interrupted start
 * leaves no incomplete one. @throws DatabaseError
 */
export async function makeDatabase(databaseDir: string, templateDir: string): Promise<void> {
  if (await exists(databaseDir)) return;
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

/** Opens the database of a folder. @throws DatabaseError if the folder has no usable database. */
export async function openExisting(databaseDir: string, templateDir: string): Promise<PGlite> {
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

const LOCK_FILE = "gateway.lock";
/** Names the holder in an error message. It outlives a killed process, so it is not the lock. */
const HOLDER_FILE = "gateway.pid";

/** SQLite's result code for a file that another process has locked. */
const SQLITE_BUSY = 5;

/**
 * Locks a data folder against a second process, which would destroy the data of PGlite.
 *
 * The operating system holds the lock, on an empty file, and releases it when the process ends. A file with a process
 * id would not work: in a container the gateway is always process 1, so a killed one would lock out its successor. Node
 * has no call for these locks, but SQLite has one on every system.
 *
 * @returns a function that releases the lock.
 * @throws DatabaseError if another process, or another part of this one, holds the lock.
 */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  // Loaded here, so that a gateway on PostgreSQL runs on a Node without SQLite.
  const { DatabaseSync: Sqlite } = await import("node:sqlite");
  const holderFile = join(dataDir, HOLDER_FILE);
  const lock = new Sqlite(join(dataDir, LOCK_FILE));
  try {
    hold(lock);
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    const holder = (await readFile(holderFile, "utf8").catch(() => "")).trim();
    throw new DatabaseError(
      `The data folder ${dataDir} is in use${holder && ` by ${holder}`}. Stop it, or set DATA_DIR to another folder.`,
    );
  }
  await writeFile(holderFile, `process ${process.pid} on ${hostname()}\n`);
  return async () => {
    await rm(holderFile, { force: true });
    if (lock.isOpen) lock.close();
  };
}

function hold(lock: DatabaseSync): void {
  // SQLite writes nothing here, so it needs no journal file.
  lock.exec("pragma journal_mode = off");
  lock.exec("begin exclusive");
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
