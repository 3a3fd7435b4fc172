import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DatabaseError } from "./database.ts";

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
