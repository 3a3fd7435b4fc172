import { sql } from "kysely";
import type { MfaFlagState } from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { runRead, textArray } from "../database/statements.ts";
import { flagsOf } from "./protections.ts";

/** A change of a user's protections that the gateway did not make. */
interface Drift {
  /** Ascending in the order in which the gateway found drift. */
  readonly id: string;
  readonly account: string;
  readonly opUin: Uin;
  readonly name: string | undefined;
  /** The last protections that the gateway knew. */
  readonly before: DriftImage;
  /** The protections that two reads showed instead. */
  readonly after: DriftImage;
  /** When the first read that differs began, by the database's clock. */
  readonly firstSeenAt: Date;
  readonly foundAt: Date;
}

interface DriftImage {
  readonly login: MfaFlagState;
  readonly action: MfaFlagState;
  readonly asOf: Date;
  readonly source: "SCAN" | "READ" | "CHANGE";
}

interface DriftFilter {
  readonly accounts: readonly string[];
  readonly since: Date | undefined;
}

type DriftRow = Pick<Drift, "account" | "opUin" | "name" | "firstSeenAt" | "foundAt"> & {
  readonly id: string | number;
  readonly beforeAsOf: Date;
  readonly beforeSource: DriftImage["source"];
  readonly seenAgainAt: Date;
  readonly source: DriftImage["source"];
} & Readonly<Record<`${"before" | "after"}${"Login" | "Action"}${"" | "Unreported"}`, number>>;

/** The record of drift, which a trigger of the database writes (schema/migrations/0014_drift.sql). */
export class DriftLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns drift before the given id, the latest first. @throws GatewayError STORE_UNAVAILABLE */
  async list({ accounts, since }: DriftFilter, limit: number, before?: string): Promise<readonly Drift[]> {
    const rows = await runRead<DriftRow>(
      this.#database,
      sql`
      select t.*, u.name from directory_drift t left join directory_user u using (account, op_uin)
      where t.account = any (${textArray(accounts)})
        ${since === undefined ? sql`` : sql`and t.found_at >= ${since.toISOString()}::timestamptz`}
        ${before === undefined ? sql`` : sql`and t.id < ${before}::bigint`}
      order by t.id desc limit ${limit}`,
    );
    return rows.map(toDrift);
  }
}

function toDrift(row: DriftRow): Drift {
  const imageOf = (side: "before" | "after", asOf: Date, source: DriftImage["source"]): DriftImage => ({
    login: flagsOf(row[`${side}Login`], row[`${side}LoginUnreported`]),
    action: flagsOf(row[`${side}Action`], row[`${side}ActionUnreported`]),
    ...{ asOf, source },
  });
  const { account, opUin, name, firstSeenAt, foundAt } = row;
  return {
    ...{ id: String(row.id), account, opUin, name, firstSeenAt, foundAt },
    before: imageOf("before", row.beforeAsOf, row.beforeSource),
    after: imageOf("after", row.seenAgainAt, row.source),
  };
}
