import { execFile } from "node:child_process";
import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";
import { newSigningKey } from "./make-chain.ts";

/** The release before the migrations from 0009 on. It must run on the schema of this one. */
const RELEASE = "4cafe49906b57a4431ffeeedc7ad98bdb009bb0d";
const ROOT = process.cwd();

/** The functions, columns and types of the database that the previous release uses. */
interface Contract {
  readonly functions: readonly string[];
  readonly columns: readonly string[];
}

const contract = JSON.parse(await readFile("test/vectors/schema-of-4cafe49.json", "utf8")) as Contract;

const run = promisify(execFile);
const hasHistory = await run("git", ["cat-file", "-e", `${RELEASE}^{commit}`], { cwd: ROOT }).then(
  () => true,
  () => false,
);

let url: string;
let database: Database;

beforeAll(async () => {
  url = await createTestPostgres();
  database = await openTestPostgres(url);
});

describe("the schema keeps what the previous release uses", () => {
  test("every function, with its arguments and result", async () => {
    const { rows } = await sql<{ line: string }>`
      select format('%s(%s) returns %s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) as line
      from pg_proc p where p.pronamespace = current_schema()::regnamespace`.execute(database.db);
    expect(rows.map(({ line }) => line)).toEqual(expect.arrayContaining([...contract.functions]));
  });

  test("every column, with its type", async () => {
    const { rows } = await sql<{ line: string }>`
      select format('%s.%s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) as line
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    `.execute(database.db);
    expect(rows.map(({ line }) => line)).toEqual(expect.arrayContaining([...contract.columns]));
  });
});

/** Loads a module of the previous release, whose files are in the folder. */
async function previous<Module>(folder: string, path: string): Promise<Module> {
  return (await import(join(folder, "src", path))) as Module;
}

// A clone without history has no previous release. CI clones the whole history.
describe.runIf(hasHistory)("the previous release", () => {
  let folder: string;

  beforeAll(async () => {
    folder = (await temporaryFolder()).path;
    const archive = join(folder, "release.tar");
    await run("git", ["archive", "--output", archive, RELEASE, "src", "schema"], { cwd: ROOT });
    await run("tar", ["-xf", archive, "-C", folder]);
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  });

  async function openPrevious(): Promise<Database> {
    const { openPostgres } = await previous<typeof import("../../src/database/postgres-database.ts")>(
      folder,
      "database/postgres-database.ts",
    );
    const opened = await openPostgres({ url });
    whenOver(() => opened.close());
    return opened;
  }

  test("starts on the new schema, and changes users side by side with this release", async () => {
    const old = await openPrevious();
    const { migrate } = await previous<typeof import("../../src/database/migrate.ts")>(
      folder,
      "database/migrate.ts",
    );
    expect(await migrate(old, join(folder, "schema/migrations"))).toEqual([]);

    // The previous release has the store by its former name.
    const { ChangeLog: OldStore } = await previous<{ readonly ChangeLog: typeof ChangeStore }>(
      folder,
      "audit/change-log.ts",
    );
    const guard = { users: 1_000, withinMs: 60_000 };
    const stores = [
      new OldStore({ database: old, replica: "old", guard }),
      new ChangeStore({ database, replica: "new", guard }),
    ];
    const settled = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const [one, other] = at % 2 === 0 ? stores : stores.toReversed();
        const { kind, id } = (await one?.begin(intentOf({ account: `account-${at % 3}` }), FRESH)) ?? {};
        // Each release settles what the other one began.
        return { kind, sealed: (await other?.settle(id ?? "", APPLIED))?.sealed };
      }),
    );
    expect(settled).toEqual(settled.map(() => ({ kind: "BEGUN", sealed: true })));
    const [oldStore] = stores;
    const left = await oldStore?.begin(intentOf({ account: "left", leaseMs: -1 }), FRESH);
    expect((await oldStore?.claim("left", 5, 1_000))?.map(({ id }) => id)).toEqual([left?.id]);
    expect(await oldStore?.list({ account: "account-1" }, 50)).toHaveLength(13);
    expect(await verifyDatabase(database.db, undefined)).toMatchObject({
      records: 40,
      unsealed: 1,
      problem: undefined,
    });
  });

  test("finds the closed chain sound, and signs nothing more", async () => {
    const old = await openPrevious();
    const { AuditCheckpointer } = await previous<typeof import("../../src/audit/checkpointer.ts")>(
      folder,
      "audit/checkpointer.ts",
    );
    const { ChainAnchors } = await previous<typeof import("../../src/audit/chain-anchors.ts")>(
      folder,
      "audit/chain-anchors.ts",
    );
    const { systemClock } = await previous<typeof import("../../src/clock.ts")>(folder, "clock.ts");
    const events: string[] = [];
    const checkpointer = new AuditCheckpointer({
      ...{ database: old, privateKey: newSigningKey().privateKey, clock: systemClock, intervalMs: 1 },
      anchors: await ChainAnchors.open({ file: undefined }),
      report: (event) => events.push(event),
    });
    expect(await checkpointer.checkpoint()).toBeUndefined();
    expect(events).toEqual([]);
    const { verifyDatabase: verifyAsBefore } = await previous<
      typeof import("../../src/audit/verify-database.ts")
    >(folder, "audit/verify-database.ts");
    expect((await verifyAsBefore(old.db, undefined)).problem).toBeUndefined();
  });
});
