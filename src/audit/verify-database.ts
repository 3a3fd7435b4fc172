import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import type { ChainPlace } from "./chain.ts";
import { readCheckpoints, readEnd, readRecords, type StoredRecord } from "./read-record.ts";
import { type ChainReport, ChainVerifier } from "./verify-chain.ts";

/**
 * Verifies the record in the database itself: the chain, its end, the checkpoints, and that the columns, which
 * everybody reads, say what was sealed.
 */
export async function verifyDatabase(
  db: Kysely<Tables>,
  trustedKeys: readonly string[] | undefined,
  expected: readonly ChainPlace[] = [],
): Promise<ChainReport> {
  const checkpoints = await readCheckpoints(db, 0);
  const verifier = new ChainVerifier({ since: 0, checkpoints, trustedKeys, expected });
  // From the least number there is, so that none can hide before the first.
  for await (const record of readRecords(db, Number.MIN_SAFE_INTEGER)) {
    addStored(verifier, record);
    if (verifier.hasProblem) break;
  }
  const { rows } = await sql<{ unsealed: number }>`
    select count(*)::integer as unsealed from mfa_change where seq is null`.execute(db);
  return { ...verifier.finish(await readEnd(db)), unsealed: rows[0]?.unsealed ?? 0 };
}

/** Adds a record to a chain, and compares its columns, which everybody reads, with what was sealed. */
export function addStored(verifier: ChainVerifier, record: StoredRecord): void {
  verifier.add(record);
  const altered = alteredFields(record);
  if (altered.length === 0) return;
  const reason = `what is stored as its ${altered.join(", ")} is not what was sealed`;
  verifier.fail({ seq: record.seq, changeId: record.changeId, reason });
}

/** What a later release gave the records from before it, which is null where nothing is said here. */
const GIVEN_LATER: Readonly<Record<string, unknown>> = { account: "default" };

/** A field that was not sealed, as releases before it had none, has to be as the migration that added it has left it. */
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
