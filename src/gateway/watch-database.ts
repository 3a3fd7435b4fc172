import { type Database, DatabaseError } from "../database/database.ts";
import { missingMigrations } from "../database/migrate.ts";
import { explainStoreError, isUnavailable } from "../database/store-errors.ts";
import { Poller } from "../poller.ts";
import type { SharedWindows } from "../quota/shared-rate-budget.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Foundation } from "./foundation.ts";
import { MIGRATIONS_DIR } from "./package-paths.ts";

const CHECK_EVERY_MS = 10_000;

/**
 * Requires a database that takes writes, and then checks it every ten seconds, so that an idle replica also notices a
 * fault. The quota's observer reports an outage and its end.
 *
 * @throws DatabaseError if the database cannot be written.
 */
export async function watchDatabase(
  {
    clock,
    telemetry: { health },
    open,
  }: Pick<Foundation, "clock" | "open"> & { readonly telemetry: Pick<Telemetry, "health"> },
  database: Database,
  windows: Pick<SharedWindows, "check" | "isShared">,
): Promise<void> {
  const check = async (): Promise<void> => {
    await windows.check();
    health.report("database", undefined);
    const missing = await missingMigrations(database, MIGRATIONS_DIR);
    const lacks = `The database lacks ${missing.join(", ")}. Run the migrations, or restore a newer copy.`;
    health.report("schema", undefined, missing.length === 0 ? undefined : lacks);
  };
  await check().catch((error: Error) => {
    const reason = explainStoreError(error.cause ?? error);
    throw new DatabaseError(`The database cannot be written: ${reason}.`, { cause: error });
  });
  const poller = new Poller(clock, async () => {
    // During an outage the quota probes the database itself.
    if (windows.isShared) {
      await check().catch((error: unknown) => {
        if (isUnavailable(error)) return;
        health.report("schema", undefined, "The database lacks tables or functions. Run the migrations.");
      });
    }
    return CHECK_EVERY_MS;
  });
  poller.start(CHECK_EVERY_MS);
  open.defer(() => poller.stop());
}
