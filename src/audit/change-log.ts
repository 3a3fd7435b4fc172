import { type RawBuilder, type Selectable, sql } from "kysely";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import type { MfaChangeTable } from "../database/tables.ts";
import type {
  BeforeImageAge,
  BeginVerdict,
  ChangeFilter,
  ChangeIntent,
  ChangeRecord,
  ChangeSettlement,
} from "./change-record.ts";

export interface ChangeLogDeps {
  readonly database: Database;
  /** Names this process in the record. */
  readonly replica: string;
}

/**
 * The record of changes. What is on record can be settled once and never altered or deleted.
 * Every method throws GatewayError STORE_UNAVAILABLE where the store does not answer.
 */
export class ChangeLog {
  readonly #deps: ChangeLogDeps;

  constructor(deps: ChangeLogDeps) {
    this.#deps = deps;
  }

  /** Puts an intent on record, or says why not (see begin_change in schema/migrations). One statement. */
  async begin(intent: ChangeIntent, beforeImage: BeforeImageAge): Promise<BeginVerdict> {
    const { opUin, caller } = intent;
    const [row] = await this.#run<{ verdict: BeginVerdict["kind"]; change_id: string }>(sql`
      select verdict, change_id from begin_change(
        ${opUin}, ${caller.subject}, ${caller.client ?? null}, ${caller.issuer ?? null}, ${intent.gatewayRequestId},
        ${JSON.stringify(intent.requested)}::jsonb, ${intent.requestHash}, ${intent.idempotencyKey ?? null},
        ${JSON.stringify(intent.before)}::jsonb, ${JSON.stringify(intent.sent)}::jsonb, ${this.#deps.replica},
        ${intent.leaseMs}, ${beforeImage.knownLatest ?? null}, ${beforeImage.ageMs}
      )`);
    if (row === undefined)
      throw new GatewayError("STORE_UNAVAILABLE", { detail: "begin_change gave no row" });
    return { kind: row.verdict, id: row.change_id };
  }

  /**
   * Records what became of a change. One statement, which also seals the record where the outcome is final.
   * @returns false where the record was sealed before, and therefore stays as it is.
   */
  async settle(id: string, settlement: ChangeSettlement): Promise<boolean> {
    const { status, resolvedBy, code, camCode, camAction, camRequestId, lookAgainAfterMs } = settlement;
    const [row] = await this.#run<{ settled: boolean }>(sql`
      select settle_change(
        ${id}, ${status}, ${resolvedBy ?? null}, ${code ?? null}, ${camCode ?? null}, ${camAction ?? null},
        ${camRequestId ?? null}, ${settlement.attempts}, ${Math.round(settlement.quotaWaitMs)},
        ${lookAgainAfterMs === undefined}, ${lookAgainAfterMs ?? 0}
      ) as settled`);
    return row?.settled ?? false;
  }

  async find(id: string): Promise<ChangeRecord | undefined> {
    const [row] = await this.#run<ChangeRow>(sql`select * from mfa_change where id = ${id}`);
    return row && toRecord(row);
  }

  /** Newest first; `after` is the id of the last record of the page before. */
  async list(filter: ChangeFilter, limit: number, after?: string): Promise<readonly ChangeRecord[]> {
    const conditions: RawBuilder<unknown>[] = [sql`true`];
    if (filter.opUin !== undefined) conditions.push(sql`op_uin = ${filter.opUin}`);
    if (filter.status !== undefined) conditions.push(sql`status = ${filter.status}`);
    if (filter.callerSubject !== undefined) conditions.push(sql`caller_subject = ${filter.callerSubject}`);
    if (filter.from !== undefined) conditions.push(sql`created_at >= ${filter.from}`);
    if (filter.until !== undefined) conditions.push(sql`created_at < ${filter.until}`);
    if (after !== undefined) conditions.push(sql`id < ${after}`);
    const rows = await this.#run<ChangeRow>(
      sql`select * from mfa_change where ${sql.join(conditions, sql` and `)} order by id desc limit ${limit}`,
    );
    return rows.map(toRecord);
  }

  /**
   * Takes over changes whose replica should have finished them and did not, or whose outcome is to be looked at
   * again. They are this replica's for `leaseMs`; no two replicas get the same.
   */
  async takeOver(limit: number, leaseMs: number): Promise<readonly ChangeRecord[]> {
    const rows = await this.#run<ChangeRow>(sql`
      update mfa_change set
        replica = ${this.#deps.replica},
        lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
      where id in (
        select id from mfa_change where seq is null and lease_until < clock_timestamp()
        order by lease_until limit ${limit} for update skip locked
      )
      returning *`);
    return rows.map(toRecord);
  }

  /** Whether the user was changed again since: then nothing can be learnt about this change from the user. */
  async isSuperseded(record: ChangeRecord): Promise<boolean> {
    const [row] = await this.#run<{ superseded: boolean }>(sql`
      select exists(select from mfa_change where op_uin = ${record.opUin} and id > ${record.id}) as superseded`);
    return row?.superseded ?? false;
  }

  async #run<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    try {
      const { rows } = await query.execute(this.#deps.database.db);
      return rows as Row[];
    } catch (cause) {
      throw new GatewayError("STORE_UNAVAILABLE", { cause });
    }
  }
}

type ChangeRow = Selectable<MfaChangeTable>;

function toRecord(row: ChangeRow): ChangeRecord {
  return {
    id: row.id,
    opUin: row.op_uin as Uin,
    caller: {
      subject: row.caller_subject,
      client: row.caller_client ?? undefined,
      issuer: row.caller_issuer ?? undefined,
    },
    gatewayRequestId: row.gateway_request_id,
    requested: row.requested,
    requestHash: row.request_hash,
    before: row.before_image,
    sent: row.sent,
    status: row.status,
    resolvedBy: row.resolved_by ?? undefined,
    code: row.code ?? undefined,
    camCode: row.cam_code ?? undefined,
    camAction: row.cam_action ?? undefined,
    camRequestId: row.cam_request_id ?? undefined,
    attempts: row.attempts,
    quotaWaitMs: row.quota_wait_ms,
    replica: row.replica,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
    seq: row.seq === null ? undefined : String(row.seq),
  };
}
