import { sql } from "kysely";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

export interface LaggingReplicas {
  readonly one: StartedGateway;
  readonly two: StartedGateway;
  readonly three: StartedGateway;
  readonly cam: StartedGateway["cam"];
  /** A user who has everything bound, and stoken alone for login; and their Uin. */
  addUser(): string;
  /** As if everything on record of a user had happened so long before, by the database's clock. */
  passTime(opUin: string, seconds: number): Promise<void>;
}

/**
 * Gateways with one database, before one emulated CAM. Its clock stands still, so that a read which lags shows nothing of
 * what has been written since the start.
 */
export async function startLaggingReplicas(): Promise<LaggingReplicas> {
  const databaseUrl = await createTestPostgres();
  const env = { ...UNLIMITED.env, DATABASE_URL: databaseUrl };
  let camUrl = "";
  const one = await startGateway({
    ...{ ...UNLIMITED, env },
    between: async (url) => {
      camUrl = url;
      return url;
    },
  });
  const another = (): Promise<StartedGateway> => startGateway({ env: { ...env, CAM_ENDPOINT: camUrl } });
  const [two, three] = [await another(), await another()];
  const database = await openTestPostgres(databaseUrl);
  const { cam } = one;
  let users = 0;
  return {
    ...{ one, two, three, cam },
    addUser: () => {
      users += 1;
      const uin = String(100021980000 + users);
      cam.setClock({ frozen: true, advanceMs: 1 });
      cam.putUser({ uin, name: uin, phone: "13800000000", wechatBound: true, loginFlag: { Stoken: 1 } });
      cam.setClock({ advanceMs: 1 });
      return uin;
    },
    passTime: (opUin, seconds) =>
      rewriteRecord(database, async (db) => {
        const by = sql`make_interval(secs => ${seconds})`;
        await sql`
          update mfa_change set created_at = created_at - ${by}, finished_at = finished_at - ${by}
          where op_uin = ${opUin}`.execute(db);
      }),
  };
}
