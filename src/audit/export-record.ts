import type { Kysely } from "kysely";
import type { Tables } from "../database/tables.ts";
import { formatEnd, formatRecord } from "./export-format.ts";
import { readCheckpoints, readEnd, readRecords } from "./read-record.ts";

/**
 * The sealed record as lines of JSON, each ended, in the order of the chain, with one last line that says where
 * the chain ends. It is written as it is found: whether it is unbroken is the verification's to say.
 *
 * @param since leaves out the records up to this one.
 */
export async function* exportRecord(db: Kysely<Tables>, since = 0): AsyncGenerator<string> {
  for await (const record of readRecords(db, since)) yield `${formatRecord(record)}\n`;
  const [end, checkpoints] = [await readEnd(db), await readCheckpoints(db, since)];
  yield `${formatEnd({ since, end, checkpoints })}\n`;
}
