import { sql } from "kysely";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

export interface LaggingReplicas {
  readonly one: StartedGateway;
  readonly two: StartedGateway;
  readonly three: StartedGateway;
  readonly cam: StartedGateway["cam"];
  /** Adds a user with everything bound and only stoken for login, and returns the Uin. */
  addUser(): string;
  /** Moves everything on record of a user back in time, by the database's clock. */
  passTime(opUin: string, seconds: number): Promise<void>;
}

/**
 * Starts gateways with one database, in front of one emulated CAM. CAM's clock does not move, so a lagging read shows
 * no write since the start.
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
