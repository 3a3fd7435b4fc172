import { AccountRegister } from "../../audit/account-register.ts";
import { ChangeStore } from "../../audit/change-store.ts";
import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config/config.ts";
import { type Database, DatabaseError } from "../../database/database.ts";
import { missingMigrations } from "../../database/migrate.ts";
import { explainStoreError } from "../../database/store-errors.ts";
import { loadAccounts } from "../../gateway/load-files.ts";
import { MIGRATIONS_DIR } from "../../gateway/package-paths.ts";
import { SharedWindows } from "../../quota/shared-quota.ts";
import type { CommandIo } from "../command.ts";
import { findDatabase } from "../find-database.ts";
import { type Answer, Fault, Group, Skip } from "./checkup.ts";

/** The name of doctor among the replicas. It takes slots of CAM's quota as they do. */
const REPLICA = "cam-gateway-doctor";

/**
 * Checks the database as the gateway uses it, and migrates nothing.
 *
 * @returns the windows of the quota, if the database takes writes, and the main accounts of the names, if it has them. The
 *   caller closes what `open` holds.
 */
export async function checkDatabase(
  { config, folder }: { readonly config: Answer<Config>; readonly folder: Answer<unknown> },
  io: CommandIo,
  open: AsyncDisposableStack,
) {
  const group = new Group("database");
  const database = await group.check("it accepts connections", [config, folder], async (read) => {
    const found = await openOrExplain(read, io);
    open.defer(() => found.close());
    return found;
  });
  const schema = await group.check("the schema is up to date", [database], async (opened) => {
    const missing = await reading(missingMigrations(opened, MIGRATIONS_DIR));
    if (missing.length > 0) throw new Fault("database.schema-old", `It lacks ${missing.join(", ")}.`);
    const register = new AccountRegister(opened, REPLICA);
    return { boundUin: (name: string) => reading(register.boundUin(name)) };
  });
  const windows = await group.check("it takes writes", [database, schema], async (opened) => {
    const found = new SharedWindows({ database: opened, clock: systemClock, replica: REPLICA });
    open.defer(async () => found.close());
    await found.check().catch((error: Error) => {
      throw faultOf(error.cause ?? error);
    });
    return found;
  });
  await group.check(
    "every open change belongs to a configured account",
    [database, config, schema],
    async (opened, { accounts }) => {
      const named = accounts === undefined ? [] : await loadAccounts(accounts);
      const known = [DEFAULT_ACCOUNT, ...named.map(({ name }) => name)];
      const changeStore = new ChangeStore({ database: opened, replica: REPLICA });
      const orphaned = [...(await reading(changeStore.countOrphaned(known)))];
      if (orphaned.length === 0) return;
      const counts = orphaned.map(([account, changes]) => `${changes} of ${account}`);
      throw new Fault(
        "account.missing",
        `Open changes of accounts that are not configured: ${counts.join(", ")}.`,
      );
    },
  );
  return { group, windows, names: schema };
}

async function openOrExplain({ store }: Config, { env }: CommandIo): Promise<Database> {
  const place = await findDatabase(env);
  try {
    return await place.open({ make: false });
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    if (store.kind === "pglite") throw new Skip(`because ${lowerFirst(cause.message)}`);
    throw new Fault("database.unusable", cause.message, { cause });
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

/** Names the fault of a failed read. */
async function reading<Value>(answer: Promise<Value>): Promise<Value> {
  return answer.catch((error: Error) => {
    throw faultOf(error.cause ?? error);
  });
}

function faultOf(error: unknown): Fault {
  const { code } = error as { readonly code?: string };
  const details = `${explainStoreError(error)}.`;
  if (code === "25006" || code === "0A000") return new Fault("database.read-only", details, { cause: error });
  if (code === "42501") return new Fault("database.rights", details, { cause: error });
  return new Fault("database.unwritable", details, { cause: error });
}
