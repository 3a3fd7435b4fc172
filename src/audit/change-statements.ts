import { sql } from "kysely";
import { personOf } from "../auth/caller.ts";
import type { Database } from "../database/database.ts";
import { runQuery, runShared, SharedStatements } from "../database/statements.ts";
import { type BulkGuard, NO_BULK_GUARD } from "./caller-pauses.ts";
import type {
  BeforeImageBasis,
  BeginVerdict,
  ChangeIntent,
  ChangeRow,
  ChangeSettlement,
  Settled,
} from "./change-record.ts";

interface ChangeStatementsDeps {
  readonly database: Database;
  /** The name of this process in the record. */
  readonly replica: string;
  readonly guard?: BulkGuard;
}

/** A verdict, with the change if it awaits approval or is joined. */
type BeginRow = Partial<ChangeRow> & {
  readonly verdict: BeginVerdict["kind"];
  readonly changeId: string;
};

interface Begin {
  readonly intent: ChangeIntent;
  readonly basis: BeforeImageBasis;
}

interface Settlement {
  readonly id: string;
  readonly settlement: ChangeSettlement;
}

type SettledRow = Omit<Settled, "settleOrder" | "at"> & {
  readonly settleOrder: string | number;
  readonly settledAt: Date;
};

/**
 * The statements that begin and settle changes. Changes that come together share a statement (begin_changes and
 * settle_changes in schema/functions.sql). Its methods throw the errors of ChangeStore.
 */
export class ChangeStatements {
  readonly #deps: ChangeStatementsDeps;
  readonly #begins = new SharedStatements<Begin, BeginVerdict>({
    runOne: async (begin) => {
      const { verdict: kind, changeId: id } = await this.beginOn(this.#deps.database, begin);
      return { kind, id };
    },
    runBatch: (begins) => this.#beginSeveral(begins),
  });
  readonly #settlements = new SharedStatements<Settlement, Settled | undefined>({
    runOne: (settlement) => this.#settleOne(settlement),
    runBatch: (settlements) => this.#settleSeveral(settlements),
  });

  constructor(deps: ChangeStatementsDeps) {
    this.#deps = deps;
  }

  /** Records the intent of a change that needs no approval. */
  begin(intent: ChangeIntent, basis: BeforeImageBasis): Promise<BeginVerdict> {
    return this.#begins.run({ intent, basis });
  }

  settle(id: string, settlement: ChangeSettlement): Promise<Settled | undefined> {
    return this.#settlements.run({ id, settlement });
  }

  /** Records an intent by a statement of its own. */
  async beginOn(database: Database, { intent, basis }: Begin): Promise<BeginRow> {
    const { users, withinMs } = this.#guard;
    const begun = sql`begin_change(
        ${JSON.stringify(this.#columnsOf(intent))}::jsonb, ${intent.leaseMs}, ${intent.approvalMs ?? null}, ${users},
        ${withinMs}, ${basis.lastSettleOrder ?? null}, ${basis.ageMs}
      )`;
    // Only a MAC needs the change, whose many columns cost as much as the rest of the answer.
    const statement =
      intent.approvalMs === undefined
        ? sql`select verdict, change_id from ${begun}`
        : sql`
          select b.verdict, b.change_id, c.* from ${begun} b
          left join lateral change_now(b.change_id) c on b.verdict in ('AWAITING', 'JOIN')`;
    const [row] = await runQuery<BeginRow>(database, statement);
    if (row === undefined) throw new Error("begin_change returned no verdict.");
    return row;
  }

  async #beginSeveral(begins: readonly Begin[]): Promise<readonly (BeginVerdict | undefined)[]> {
    const intents = begins.map(({ intent, basis }, place) => ({
      ...this.#columnsOf(intent),
      ...{ place, lease_ms: intent.leaseMs, known: basis.lastSettleOrder, read_age_ms: basis.ageMs },
    }));
    const { users, withinMs } = this.#guard;
    return runBegins(
      this.#deps.database,
      sql`select place, change_id from begin_changes(${JSON.stringify(intents)}::jsonb, ${users}, ${withinMs})`,
      begins.length,
    );
  }

  async #settleOne({ id, settlement }: Settlement): Promise<Settled | undefined> {
    const { status, resolvedBy, code, camCode, camAction, camRequestId, attempts } = settlement;
    const [row] = await runQuery<SettledRow>(
      this.#deps.database,
      sql`
      select * from settle_change(
        ${id}, ${status}, ${resolvedBy ?? null}, ${code ?? null}, ${camCode ?? null}, ${camAction ?? null},
        ${camRequestId ?? null}, ${attempts}, ${Math.round(settlement.quotaWaitMs)}, ${settlement.readBack ?? false}
      )`,
    );
    return row && settledOf(row);
  }

  async #settleSeveral(settlements: readonly Settlement[]): Promise<readonly (Settled | undefined)[]> {
    // Of two outcomes of one change, only the first counts.
    const firstOf = new Map(settlements.toReversed().map((each) => [each.id, each]));
    const outcomes = [...firstOf.values()].map(({ id, settlement }) => ({
      id,
      status: settlement.status,
      resolved_by: settlement.resolvedBy,
      code: settlement.code,
      cam_code: settlement.camCode,
      cam_action: settlement.camAction,
      cam_request_id: settlement.camRequestId,
      attempts: settlement.attempts,
      quota_wait_ms: Math.round(settlement.quotaWaitMs),
      read_back: settlement.readBack ?? false,
    }));
    const rows = await runShared<SettledRow & { readonly changeId: string }>(
      this.#deps.database,
      sql`select * from settle_changes(${JSON.stringify(outcomes)}::jsonb)`,
    );
    const settled = new Map(rows.map((row) => [row.changeId, settledOf(row)]));
    return settlements.map((each) => (firstOf.get(each.id) === each ? settled.get(each.id) : undefined));
  }

  get #guard(): BulkGuard {
    return this.#deps.guard ?? NO_BULK_GUARD;
  }

  #columnsOf(intent: ChangeIntent): object {
    return {
      ...intentColumns(intent, this.#deps.replica),
      caller_client: intent.caller.client,
      caller_issuer: intent.caller.issuer,
      reason: intent.reason,
      idempotency_key: intent.idempotencyKey,
    };
  }
}

/** Returns the columns of `mfa_change` that every intent sets. */
export function intentColumns(intent: ChangeIntent, replica: string): object {
  return {
    account: intent.account,
    op_uin: intent.opUin,
    caller_subject: intent.caller.subject,
    caller_person: personOf(intent.caller.subject),
    gateway_request_id: intent.gatewayRequestId,
    requested: intent.requested,
    request_hash: intent.requestHash,
    before_image: intent.before,
    sent: intent.sent,
    policy_hash: intent.policyHash,
    policy_rules: intent.policyRules,
    replica,
  };
}

/**
 * Runs a statement that begins several changes and returns the places of those that it began. Returns a verdict at each
 * place, or undefined for a change that needs a statement of its own.
 */
export async function runBegins(
  database: Database,
  statement: Parameters<typeof runShared>[1],
  count: number,
): Promise<readonly ({ readonly kind: "BEGUN"; readonly id: string } | undefined)[]> {
  const rows = await runShared<{ place: number; changeId: string }>(database, statement);
  const ids = new Map(rows.map(({ place, changeId }) => [place, changeId]));
  return Array.from({ length: count }, (_, place) => {
    const id = ids.get(place);
    return id === undefined ? undefined : { kind: "BEGUN", id };
  });
}

function settledOf({ settleOrder, settledAt, sealed }: SettledRow): Settled {
  return { settleOrder: Number(settleOrder), at: settledAt, sealed };
}
