import { sql } from "kysely";
import type { Database } from "../database/database.ts";
import { personOf } from "../person.ts";
import { type BulkGuard, NO_BULK_GUARD } from "./bulk-guard.ts";
import {
  type ApproveVerdict,
  type BeforeImageBasis,
  type ChangeApprovalIntent,
  type RecordedCaller,
  type RejectVerdict,
  requireChangeId,
} from "./change-record.ts";
import { runQuery } from "./run-query.ts";

export interface ApprovalLogDeps {
  readonly database: Database;
  /** Names this process in the record. */
  readonly replica: string;
  /** Without it nobody is ever paused. */
  readonly guard?: BulkGuard;
}

/** Puts on record what is decided of changes that await approval. Errors are those of ChangeLog. */
export class ApprovalLog {
  readonly #deps: ApprovalLogDeps;

  constructor(deps: ApprovalLogDeps) {
    this.#deps = deps;
  }

  /** Lets a change go, or says why not (see approve_change in schema/migrations). One statement. */
  async approve(
    id: string,
    intent: ChangeApprovalIntent,
    { known, ageMs }: BeforeImageBasis,
  ): Promise<ApproveVerdict> {
    const { database, replica, guard = NO_BULK_GUARD } = this.#deps;
    const { by, gatewayRequestId, reason, before, sent, leaseMs } = intent;
    const [verdict] = await runQuery<ApproveVerdict>(
      database,
      sql`
        select verdict as kind, change_id as id from approve_change(
          ${requireChangeId(id)}, ${by.subject}, ${personOf(by.subject)}, ${by.client ?? null}, ${by.issuer ?? null},
          ${gatewayRequestId}, ${reason ?? null}, ${JSON.stringify(before)}::jsonb, ${JSON.stringify(sent)}::jsonb, ${replica}, ${leaseMs},
          ${guard.users}, ${guard.withinMs}, ${known ?? null}, ${ageMs}
        )`,
    );
    if (verdict === undefined) throw new Error("approve_change gave no verdict.");
    return verdict;
  }

  /** Settles a change as refused, withdrawn where `by` had asked for it. One statement. */
  async reject(
    id: string,
    by: RecordedCaller,
    { gatewayRequestId, reason }: Pick<ChangeApprovalIntent, "gatewayRequestId" | "reason">,
  ): Promise<RejectVerdict> {
    const { database, replica } = this.#deps;
    const [row] = await runQuery<{ verdict: RejectVerdict }>(
      database,
      sql`
        select reject_change(
          ${requireChangeId(id)}, ${by.subject}, ${by.client ?? null}, ${by.issuer ?? null}, ${gatewayRequestId},
          ${reason ?? null}, ${replica}
        ) as verdict`,
    );
    if (row === undefined) throw new Error("reject_change gave no verdict.");
    return row.verdict;
  }
}
