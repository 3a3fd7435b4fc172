import { sql } from "kysely";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";

export interface LaggingReplicas {
  readonly one: StartedGateway;
  readonly two: StartedGateway;
  readonly cam: StartedGateway["cam"];
  readonly database: Database;
  /** Another replica, which knows nothing of what the others have done but from the record. */
  startAnother(): Promise<StartedGateway>;
  /** What is written from now on shows in no read, for CAM's clock stands still. */
  lag(): void;
  /** As if everything on record had happened so long before, by the database's clock. */
  passTime(seconds: number): Promise<void>;
}

/** Gateways with one database, before one emulated CAM whose reads can lag behind its writes. */
export async function startLaggingReplicas(
  more: Readonly<Record<string, string>> = {},
): Promise<LaggingReplicas> {
  const databaseUrl = await createTestPostgres();
  const env = {
    ...{ DATABASE_URL: databaseUrl, CAM_RATE_PER_SECOND: "1000", CAM_CIRCUIT_FAILURES: "0" },
    ...more,
  };
  let camUrl = "";
  const one = await startGateway({
    emulator: { ratePerSecond: 1_000 },
    env,
    between: async (url) => {
      camUrl = url;
      return url;
    },
  });
  const startAnother = (): Promise<StartedGateway> => startGateway({ env: { ...env, CAM_ENDPOINT: camUrl } });
  const two = await startAnother();
  const database = await openTestPostgres(databaseUrl);
  const { cam } = one;
  return {
    ...{ one, two, cam, database, startAnother },
    lag: () => {
      cam.setClock({ frozen: true });
      cam.addFault({ kind: "staleRead", lagMs: 1, action: "DescribeSafeAuthFlagColl" });
    },
    passTime: (seconds) =>
      rewriteRecord(database, async (db) => {
        const by = sql`make_interval(secs => ${seconds})`;
        await sql`
          update mfa_change set created_at = created_at - ${by}, finished_at = finished_at - ${by}`.execute(
          db,
        );
      }),
  };
}
