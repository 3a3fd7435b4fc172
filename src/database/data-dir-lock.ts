import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DatabaseError } from "./database.ts";

const LOCK_FILE = "gateway.lock";
/** Says who holds the lock. Nothing is decided by it: it outlives a process that was killed. */
const HOLDER_FILE = "gateway.pid";

/** SQLite's result code for a file that somebody else has locked. */
const SQLITE_BUSY = 5;

/**
 * Keeps a second process out of a data folder: PGlite is one process, and two would destroy the data.
 *
 * The lock is the operating system's, on a file that stays empty, and it ends with the process however that
 * dies. A file with a process id in it would not do: in a container the gateway is process 1 every time, so one
 * that was killed would keep its successor out. Node has no call for such locks, and SQLite has one on every
 * system.
 *
 * @returns a function that gives the folder back.
 * @throws DatabaseError where another process, or another part of this one, has it.
 */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  // Loaded here, so that a gateway on PostgreSQL also runs on a Node that has no SQLite.
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
  // No journal: nothing is ever written, and a folder should hold no files that need an explanation.
  lock.exec("pragma journal_mode = off");
  lock.exec("begin exclusive");
}
