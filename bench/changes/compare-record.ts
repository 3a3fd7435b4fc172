import { setTimeout as sleep } from "node:timers/promises";
import { type QueryExecutorProvider, sql } from "kysely";
import type { JournalEntry } from "../../src/emulator/index.ts";

interface RecordRow {
  readonly gateway_request_id: string;
  readonly op_uin: string;
  readonly status: string;
  readonly sent: { readonly login: { readonly phone: boolean } };
  readonly before_image: { readonly login: { readonly phone: boolean } };
}

/** Reads the record once no change is open. An open lease ends within about twelve seconds. */
export async function readSettledRecord(db: QueryExecutorProvider): Promise<readonly RecordRow[]> {
  const open = () =>
    sql<{ n: number }>`select count(*)::integer as n from mfa_change where status = 'pending'`.execute(db);
  for (let waits = 0; waits < 120 && (await open()).rows[0]?.n !== 0; waits++) await sleep(500);
  const { rows } = await sql<RecordRow>`
    select gateway_request_id, op_uin, status, sent, before_image from mfa_change`.execute(db);
  return rows;
}

/** Checks that each write of CAM's journal has a record and that no record contradicts the journal. */
export function compareWithJournal(
  records: readonly RecordRow[],
  journal: readonly JournalEntry[],
): { readonly unrecorded: number; readonly contradicted: number } {
  const byRequest = new Map(records.map((record) => [record.gateway_request_id, record]));
  const appliedByRequest = new Set(journal.filter(({ applied }) => applied).map(({ traceId }) => traceId));
  const unrecorded = journal.filter(({ traceId }) => !byRequest.has(traceId ?? "")).length;
  const contradicted = records.filter(({ gateway_request_id, status, sent, before_image }) => {
    const changedNothing = sent.login.phone === before_image.login.phone;
    const reachedCam = appliedByRequest.has(gateway_request_id);
    if (status === "applied") return !reachedCam && !changedNothing;
    // An unknown outcome contradicts no journal.
    if (status === "unknown") return false;
    return status !== "refused" || reachedCam;
  }).length;
  return { unrecorded, contradicted };
}
