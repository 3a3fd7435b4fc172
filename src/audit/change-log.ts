import { type RawBuilder, type Selectable, sql } from "kysely";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { Database } from "../database/database.ts";
import { isUnavailable } from "../database/is-unavailable.ts";
import type { MfaChangeTable } from "../database/tables.ts";
import {
  type BeforeImageAge,
  type BeginVerdict,
  type ChangeFilter,
  type ChangeIntent,
  type ChangeRecord,
  type ChangeSettlement,
  isChangeId,
} from "./change-record.ts";

export interface ChangeLogDeps {
  readonly database: Database;
  /** Names this process in the record. */
  readonly replica: string;
}

/**
 * The record of changes. What is on record can be settled once and never altered or deleted.
 *
 * Every method throws GatewayError STORE_UNAVAILABLE, with the driver's error as its cause, where the store does
 * not do its work now. A mistake of ours in a statement or a value is thrown as the driver's error, and the change
 * is as little on record as in the other case.
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
        ${JSON.stringify(intent.requested)}::jsonb, ${intent.reason ?? null}, ${intent.requestHash},
        ${intent.idempotencyKey ?? null},
        ${JSON.stringify(intent.before)}::jsonb, ${JSON.stringify(intent.sent)}::jsonb, ${this.#deps.replica},
        ${intent.leaseMs}, ${beforeImage.knownLatest ?? null}, ${beforeImage.ageMs}
      )`);
    if (row === undefined) throw new Error("begin_change gave no verdict.");
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
    if (row === undefined) throw new Error("settle_change gave no answer.");
    return row.settled;
  }

  /** Undefined where there is none; what is no id of a change is the id of none. */
  async find(id: string): Promise<ChangeRecord | undefined> {
    if (!isChangeId(id)) return undefined;
    const [row] = await this.#run<ChangeRow>(sql`select * from mfa_change where id = ${id}`);
    return row && toRecord(row);
  }

  /** The caller's latest change under an idempotency key, which is forgotten after a day. */
  async findByIdempotencyKey(callerSubject: string, key: string): Promise<ChangeRecord | undefined> {
    const [row] = await this.#run<ChangeRow>(sql`
      select * from mfa_change
      where caller_subject = ${callerSubject} and idempotency_key = ${key}
        and created_at > clock_timestamp() - interval '24 hours'
      order by created_at desc limit 1`);
    return row && toRecord(row);
  }

  /**
   * Newest first; `after` is the id of the last record of the page before, which goes on rightly whatever has been
   * begun meanwhile. @throws RangeError where it is no id of a change (`isChangeId`).
   */
  async list(filter: ChangeFilter, limit: number, after?: string): Promise<readonly ChangeRecord[]> {
    const conditions: RawBuilder<unknown>[] = [sql`true`];
    if (filter.opUin !== undefined) conditions.push(sql`op_uin = ${filter.opUin}`);
    if (filter.status !== undefined) conditions.push(sql`status = ${filter.status}`);
    if (filter.callerSubject !== undefined) conditions.push(sql`caller_subject = ${filter.callerSubject}`);
    if (filter.from !== undefined) conditions.push(sql`created_at >= ${filter.from}`);
    if (filter.until !== undefined) conditions.push(sql`created_at < ${filter.until}`);
    if (after !== undefined && !isChangeId(after)) throw new RangeError(`${after} is no id of a change.`);
    if (after !== undefined) conditions.push(sql`begun < (select begun from mfa_change where id = ${after})`);
    const rows = await this.#run<ChangeRow>(
      sql`select * from mfa_change where ${sql.join(conditions, sql` and `)} order by begun desc limit ${limit}`,
    );
    return rows.map(toRecord);
  }

  /**
   * Takes over changes whose replica should have finished them and did not, or whose outcome is to be looked at
   * again. They are this replica's for `leaseMs`; no two replicas get the same.
   */
  async takeOver(limit: number, leaseMs: number): Promise<readonly ChangeRecord[]> {
    const rows = await this.#run<ChangeRow>(sql`
      with due as materialized (
        select id from mfa_change where seq is null and lease_until < statement_timestamp()
        order by lease_until limit ${limit} for update skip locked
      )
      update mfa_change set
        replica = ${this.#deps.replica},
        lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
      where id in (select id from due)
      returning *`);
    return rows.map(toRecord);
  }

  /**
   * Whether the user was, or may have been, changed again since: then nothing can be learnt about this change from
   * the user. What was refused has changed nothing.
   */
  async isSuperseded(record: ChangeRecord): Promise<boolean> {
    const [row] = await this.#run<{ superseded: boolean }>(sql`
      select exists(
        select from mfa_change
        where op_uin = ${record.opUin} and status <> 'refused'
          and begun > (select begun from mfa_change where id = ${record.id})
      ) as superseded`);
    return row?.superseded ?? false;
  }

  async #run<Row>(query: RawBuilder<unknown>): Promise<Row[]> {
    try {
      const { rows } = await query.execute(this.#deps.database.db);
      return rows as Row[];
    } catch (error) {
      if (isUnavailable(error)) throw new GatewayError("STORE_UNAVAILABLE", { cause: error });
      throw error;
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
    reason: row.reason ?? undefined,
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
