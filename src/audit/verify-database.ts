import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import type { ChainPlace } from "./chain.ts";
import { readCheckpoints, readEnd, readRecords, type StoredRecord } from "./read-record.ts";
import { type ChainReport, ChainVerifier } from "./verify-chain.ts";

/**
 * Verifies the record in the database: the chain, its end and the checkpoints. Also verifies that the columns equal the
 * sealed content, because queries read the columns.
 */
export async function verifyDatabase(
  db: Kysely<Tables>,
  trustedKeys: readonly string[] | undefined,
  expected: readonly ChainPlace[] = [],
): Promise<ChainReport> {
  const checkpoints = await readCheckpoints(db, 0);
  const verifier = new ChainVerifier({ since: 0, checkpoints, trustedKeys, expected });
  // Starts at the smallest number, to find forged records before the first.
  for await (const record of readRecords(db, Number.MIN_SAFE_INTEGER)) {
    addStored(verifier, record);
    if (verifier.hasProblem) break;
  }
  const { rows } = await sql<{ unsealed: number }>`
    select count(*)::integer as unsealed from mfa_change where seq is null`.execute(db);
  return { ...verifier.finish(await readEnd(db)), unsealed: rows[0]?.unsealed ?? 0 };
}

/** Adds a record to a chain, and compares its columns with the sealed content. */
export function addStored(verifier: ChainVerifier, record: StoredRecord): void {
  verifier.add(record);
  const altered = alteredFields(record);
  if (altered.length === 0) return;
  const reason = `its stored ${altered.join(", ")} differs from the sealed content`;
  verifier.fail({ seq: record.seq, changeId: record.changeId, reason });
}

/** The values that a later release set in new fields of earlier records. Other new fields are null in them. */
const GIVEN_LATER: Readonly<Record<string, unknown>> = { account: "default" };

/** Returns the fields that differ from the sealed ones. A field newer than the seal must have its initial value. */
function alteredFields({ content, current }: StoredRecord): string[] {
  if (content === current) return [];
  const [sealed, stored] = [fieldsOf(content), fieldsOf(current)];
  const expected: Readonly<Record<string, unknown>> = {
    ...Object.fromEntries(Object.keys(stored).map((name) => [name, GIVEN_LATER[name] ?? null])),
    ...sealed,
  };
  return Object.keys(expected).filter(
    (name) => JSON.stringify(expected[name]) !== JSON.stringify(stored[name]),
  );
}

function fieldsOf(content: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(content) as Record<string, unknown>;
  } catch {
    return { content };
  }
}
