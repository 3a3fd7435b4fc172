import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, readdir, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { openPglite } from "../../src/database/pglite-database.ts";
import { isUnavailable } from "../../src/database/store-errors.ts";
import { PGLITE_TEMPLATE_DIR as templateDir } from "../../src/gateway/package-paths.ts";
import { createDataDir } from "../support/open-test-database.ts";

const RUN_CHANGE = fileURLToPath(new URL("run-change.ts", import.meta.url));

/** Runs the program on a data folder; resolves with its first line. */
async function runChange(
  dataDir: string,
  user?: number,
): Promise<{ said: string; kill: () => Promise<void> }> {
  const child = spawn(
    process.execPath,
    [RUN_CHANGE, dataDir, templateDir],
    user === undefined ? {} : { uid: user },
  );
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const closed = once(child, "close");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return {
    said: line.toString().trim(),
    kill: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

async function filesOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test("a new folder and its parents are created with access for the owner only", async () => {
  const dataDir = join(await createDataDir(), "deep", "down");
  const database = await openPglite({ dataDir, templateDir });
  await database.close();
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  expect((await readdir(dataDir)).sort()).toEqual(["gateway.lock", "pglite"]);
});

test("the record survives a killed process, and the folder is free", async () => {
  const dataDir = await createDataDir();
  const { said: id, kill } = await runChange(dataDir);
  await expect(openPglite({ dataDir, templateDir })).rejects.toThrow("is in use by process");
  await kill();
  const database = await openPglite({ dataDir, templateDir });
  onTestFinished(() => database.close());
  expect(await new ChangeStore({ database, replica: "next" }).find(id)).toMatchObject({
    id,
    status: "pending",
  });
});

test("a start after an interrupted start begins from the beginning", async () => {
  const dataDir = await createDataDir();
  await mkdir(join(dataDir, "pglite.unfinished/base"), { recursive: true });
  await writeFile(join(dataDir, "pglite.unfinished/PG_VERSION"), "1");
  const database = await openPglite({ dataDir, templateDir });
  await database.close();
  expect((await readdir(dataDir)).sort()).toEqual(["gateway.lock", "pglite"]);
});

test("queries wait while a transaction is open, and do not see its uncommitted rows", async () => {
  const database = await openPglite({ dataDir: await createDataDir(), templateDir });
  onTestFinished(() => database.close());
  await sql`create table seen (id integer)`.execute(database.db);
  const count = sql`select count(*)::integer as n from seen`;
  const opened = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const failed = database.db.transaction().execute(async (trx) => {
    await sql`insert into seen values (1)`.execute(trx);
    opened.resolve();
    await mayEnd.promise;
    throw new Error("rolled back");
  });
  await opened.promise;
  const outside = count.execute(database.db);
  mayEnd.resolve();
  await expect(failed).rejects.toThrow("rolled back");
  expect((await outside).rows).toEqual([{ n: 0 }]);
});

describe("a database that stops because its log cannot be written", () => {
  /** The write-ahead log begins its next file, which cannot be created, as on a full disk. */
  const writeMuch = sql`select pg_switch_wal(), pg_logical_emit_message(true, '', repeat('x', 100000))`;

  async function openWithoutLog() {
    const dataDir = await createDataDir();
    const broken: string[] = [];
    const onBroken = ({ message }: Error) => void broken.push(message);
    const database = await openPglite({ dataDir, templateDir, onBroken });
    onTestFinished(() => database.close());
    await sql`create table kept as select 1 as value`.execute(database.db);
    const log = join(dataDir, "pglite", "pg_wal");
    await rename(log, `${log}.away`);
    return { ...database, broken, giveLogBack: () => rename(`${log}.away`, log) };
  }

  test("is reopened by the next query after the repair, and keeps its data", async () => {
    const { db, broken, giveLogBack } = await openWithoutLog();
    await expect(writeMuch.execute(db)).rejects.toMatchObject({ severity: "PANIC" });
    expect(broken).toEqual([expect.stringContaining("could not create file")]);
    for (let times = 0; times < 2; times++) {
      await expect(sql`select 1`.execute(db)).rejects.toThrow("cannot be opened");
    }
    await giveLogBack();
    const { rows } = await sql`select value from kept`.execute(db);
    expect(rows).toEqual([{ value: 1 }]);
    expect(broken).toHaveLength(1);
  });

  test("rejects the queries in progress", async () => {
    const { db } = await openWithoutLog();
    const first = writeMuch.execute(db);
    const behind = sql`select 1`.execute(db);
    await expect(first).rejects.toMatchObject({ severity: "PANIC" });
    expect(isUnavailable(await behind.catch((error: unknown) => error))).toBe(true);
  });

  test("refuses a transaction as it refuses a query", async () => {
    const { db } = await openWithoutLog();
    await expect(writeMuch.execute(db)).rejects.toMatchObject({ severity: "PANIC" });
    const inTransaction = db.transaction().execute((trx) => sql`select 1`.execute(trx));
    await expect(inTransaction).rejects.toThrow("cannot be opened");
  });

  test("can be closed", async () => {
    const { db, close } = await openWithoutLog();
    await expect(writeMuch.execute(db)).rejects.toMatchObject({ severity: "PANIC" });
    await expect(close()).resolves.toBeUndefined();
  });
});

describe("a folder that is damaged is refused, and nothing in it is deleted", () => {
  const damages: Readonly<Record<string, (dir: string) => Promise<void>>> = {
    "the control file truncated": (dir) => truncate(join(dir, "global/pg_control"), 100),
    "the control file missing": (dir) => rm(join(dir, "global/pg_control")),
    "the version file missing": (dir) => rm(join(dir, "PG_VERSION")),
    "only an empty folder left": async (dir) => {
      await rm(dir, { recursive: true });
      await mkdir(dir);
    },
    "the tables missing": (dir) => rm(join(dir, "base"), { recursive: true }),
    "a file in its place": async (dir) => {
      await rm(dir, { recursive: true });
      await writeFile(dir, "no folder");
    },
  };
  test.each(Object.entries(damages))("%s", async (_, damage) => {
    const dataDir = await createDataDir();
    const databaseDir = join(dataDir, "pglite");
    await cp(templateDir, databaseDir, { recursive: true });
    await damage(databaseDir);
    const before = await filesOf(dataDir);
    await expect(openPglite({ dataDir, templateDir })).rejects.toMatchObject({
      name: "DatabaseError",
      message: `The database in ${databaseDir} cannot be opened: it may be damaged. Nothing was deleted. Move the folder away to start with an empty record, or restore a copy.`,
      cause: expect.any(Error),
    });
    // PostgreSQL renames used files of its write-ahead log and deletes its cache; every other file is still there.
    expect(await filesOf(dataDir)).toEqual(
      expect.arrayContaining(before.filter((file) => !/\/pg_wal\/|\/pg_internal\.init$/.test(file))),
    );
    expect(await readdir(dataDir)).not.toContain("gateway.pid");
  });
});

test("a folder of another PostgreSQL is refused with both versions", async () => {
  const dataDir = await createDataDir();
  await cp(templateDir, join(dataDir, "pglite"), { recursive: true });
  await writeFile(join(dataDir, "pglite/PG_VERSION"), "9\n");
  await expect(openPglite({ dataDir, templateDir })).rejects.toThrow(
    /cannot be opened: it was made by PostgreSQL 9, and this is PostgreSQL \d\d\./,
  );
});

test("a folder that is a file is refused", async () => {
  const dataDir = join(await createDataDir(), "file");
  await writeFile(dataDir, "");
  await expect(openPglite({ dataDir, templateDir })).rejects.toThrow(
    `The data folder ${dataDir} cannot be used (EEXIST). Set DATA_DIR to one that is writable.`,
  );
});

test("a folder that may not be written to is refused", async () => {
  const dataDir = await createDataDir();
  const isRoot = process.getuid?.() === 0;
  // Root may write everywhere, so the test runs as another user.
  if (isRoot) await chown(dataDir, 65_534, 65_534);
  await chmod(dataDir, 0o500);
  const { said } = await runChange(dataDir, isRoot ? 65_534 : undefined);
  expect(said).toMatch(`The data folder ${dataDir} cannot be used (`);
  expect(said).toMatch(/\)\. Set DATA_DIR to one that is writable\.$/);
});
