import { sql } from "kysely";
import { type CallerIdentity, personOf } from "../auth/caller.ts";
import type { Database } from "../database/database.ts";
import { runQuery } from "../database/statements.ts";
import type { Report } from "../telemetry/log-events.ts";
import { type BulkGuard, NO_BULK_GUARD } from "./caller-pauses.ts";
import {
  type ApproveVerdict,
  type BeforeImageBasis,
  type ChangeApprovalIntent,
  type ChangeRecord,
  type ChangeRow,
  type RejectVerdict,
  requireChangeId,
  toChangeRecord,
} from "./change-record.ts";
import type { RequestMacs } from "./request-macs.ts";

/** A verdict, with the change if the verdict is BEGUN. */
type ApproveRow = ChangeRow & { readonly verdict: ApproveVerdict["kind"]; readonly changeId: string };

interface ApprovalStoreDeps {
  readonly database: Database;
  /** The name of this process in the record. */
  readonly replica: string;
  /** Without it the gateway pauses no caller. */
  readonly guard?: BulkGuard;
  /** Verifies that this gateway recorded a request. Without it no request can be approved. */
  readonly requestMacs: RequestMacs | undefined;
  readonly report?: Report;
}

/** Records decisions about changes that await approval. Its methods throw the errors of ChangeStore. */
export class ApprovalStore {
  readonly #deps: ApprovalStoreDeps;

  constructor(deps: ApprovalStoreDeps) {
    this.#deps = deps;
  }

  /**
   * Approves a change, or returns the reason why not (see approve_change in schema/functions.sql).
   *
   * The recorded request must have a MAC of this gateway. It must also be the request from which the flag sets were
   * composed. Otherwise the method settles the change as refused.
   */
  async approve(
    id: string,
    intent: ChangeApprovalIntent,
    { lastSettleOrder, ageMs }: BeforeImageBasis,
  ): Promise<ApproveVerdict> {
    const { database, replica, guard = NO_BULK_GUARD } = this.#deps;
    const { by, gatewayRequestId, reason, before, sent, leaseMs, composedFrom } = intent;
    const [row] = await runQuery<ApproveRow>(
      database,
      sql`
        select a.verdict, a.change_id, c.* from approve_change(
          ${requireChangeId(id)}, ${by.subject}, ${personOf(by.subject)}, ${by.client ?? null}, ${by.issuer ?? null},
          ${gatewayRequestId}, ${reason ?? null}, ${JSON.stringify(before)}::jsonb, ${JSON.stringify(sent)}::jsonb, ${replica}, ${leaseMs},
          ${guard.users}, ${guard.withinMs}, ${lastSettleOrder ?? null}, ${ageMs}
        ) a left join lateral change_now(a.change_id) c on a.verdict = 'BEGUN'`,
    );
    if (row === undefined) throw new Error("approve_change returned no verdict.");
    const { verdict: kind, changeId } = row;
    if (kind !== "BEGUN" || this.#isGenuine(toChangeRecord(row), composedFrom)) return { kind, id: changeId };
    await runQuery(
      database,
      sql`select from settle_change(${id}, 'refused', null, 'FORBIDDEN', null, null, null, 0, 0, false)`,
    );
    return { kind: "FORGED", id };
  }

  #isGenuine(approved: ChangeRecord, composedFrom = approved): boolean {
    const { requestMacs, report } = this.#deps;
    const verdicts = [approved, composedFrom].map((record) => requestMacs?.check(record) ?? "UNKNOWN_KEY");
    const why = verdicts.find((verdict) => verdict !== "GENUINE");
    if (why === undefined && composedFrom.requestMac?.mac === approved.requestMac?.mac) return true;
    report?.("approval.not_genuine", { changeId: approved.id, why: why ?? "ALTERED" });
    return false;
  }

  /** Settles a change as refused. Its decision is `withdrawn` if `by` requested the change. Runs one statement. */
  async reject(
    id: string,
    by: CallerIdentity,
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
    if (row === undefined) throw new Error("reject_change returned no verdict.");
    return row.verdict;
  }
}
