import { link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than any build. An older lock belongs to a reused process id. */
const staleAfterMs = 10 * 60_000;

/** Waits for the lock file, then runs `work`. */
export async function withLock(file, work) {
  await mkdir(dirname(file), { recursive: true });
  while (!(await tryLock(file))) {
    await breakStaleLock(file);
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function tryLock(file) {
  try {
    await writeFile(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") {
      throw error;
    }
    return false;
  }
}

/** Removes the lock of a killed build. */
async function breakStaleLock(file) {
  try {
    const holder = Number(await readFile(file, "utf8"));
    const ageMs = Date.now() - (await stat(file)).mtimeMs;
    // An empty file was created a moment ago and is about to get its number.
    const alive = holder === 0 ? ageMs < 5_000 : isAlive(holder) && ageMs < staleAfterMs;
    if (!alive) {
      const taken = `${file}-${process.pid}`;
      await rename(file, taken);
      if (Number(await readFile(taken, "utf8")) !== holder) {
        // A faster waiter had removed the stale one and this is its own.
        await link(taken, file);
      }
      await rm(taken);
    }
  } catch (error) {
    // Gone meanwhile: its holder finished, or another waiter removed it.
    if (error.code !== "ENOENT") {
      throw error;
    }
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
