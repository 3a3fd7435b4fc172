import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseError } from "./database.ts";

const LOCK_FILE = "gateway.lock";

/**
 * Keeps a second process out of a data folder: PGlite is one process, and two would destroy the data. The lock
 * holds the process id, so that one left behind by a process that was killed does not keep anybody out.
 *
 * @returns a function that gives the folder back.
 * @throws DatabaseError where a living process has it.
 */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const path = join(dataDir, LOCK_FILE);
  const mine = `${process.pid}\n`;
  for (let tries = 0; tries < 2; tries++) {
    try {
      await writeFile(path, mine, { flag: "wx" });
      return async () => {
        if ((await readFile(path, "utf8").catch(() => "")) === mine) await rm(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number.parseInt(await readFile(path, "utf8").catch(() => ""), 10);
    if (isAlive(holder)) {
      throw new DatabaseError(
        `The data folder ${dataDir} is in use by process ${holder}. Stop it, or set DATA_DIR to another folder.`,
      );
    }
    await rm(path, { force: true });
  }
  throw new DatabaseError(`The data folder ${dataDir} was taken by another process just now.`);
}

/** This process's own id counts as alive: the same folder opened twice in one process is as wrong. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
