import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect } from "kysely";
import { lockDataDir } from "./data-dir-lock.ts";
import { type Database, DatabaseError } from "./database.ts";
import type { Tables } from "./tables.ts";

export interface PgliteOptions {
  /** The folder of the data, made where it is missing; undefined keeps everything in memory. */
  readonly dataDir: string | undefined;
}

/**
 * PostgreSQL inside this process, for one machine. One process at a time may use a folder, and nothing is ever
 * deleted to make a folder usable.
 *
 * @throws DatabaseError where the folder is in use, not writable, or does not hold a usable database.
 */
export async function openPglite({ dataDir }: PgliteOptions): Promise<Database> {
  if (dataDir === undefined) return wrap(await PGlite.create(), async () => {});
  const unlock = await prepare(dataDir);
  const databaseDir = join(dataDir, "pglite");
  try {
    return wrap(await PGlite.create(databaseDir), unlock);
  } catch (cause) {
    const existed = await access(databaseDir).then(
      () => true,
      () => false,
    );
    await unlock();
    throw new DatabaseError(
      existed
        ? `The database in ${databaseDir} cannot be opened; it may be damaged. Nothing was deleted: move the folder away and start again, or restore a copy.`
        : `No database can be made in ${databaseDir}. Is the disk full?`,
      { cause },
    );
  }
}

function wrap(pglite: PGlite, unlock: () => Promise<void>): Database {
  const db = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) });
  return {
    kind: "pglite",
    db,
    close: async () => {
      await db.destroy();
      if (!pglite.closed) await pglite.close();
      await unlock();
    },
  };
}

async function prepare(dataDir: string): Promise<() => Promise<void>> {
  try {
    await mkdir(dataDir, { recursive: true });
    return await lockDataDir(dataDir);
  } catch (cause) {
    if (cause instanceof DatabaseError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new DatabaseError(
      `The data folder ${dataDir} cannot be used (${code}). Set DATA_DIR to one that is writable.`,
      {
        cause,
      },
    );
  }
}
