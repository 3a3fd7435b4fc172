import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/database.ts";
import { fromRow } from "../database/statements.ts";
import type { ChainHead } from "./chain.ts";
import type { ChainStart } from "./verify-chain.ts";

/** The last record of a chain that `audit prune` removed, according to the last sealed event about it. */
export interface PrunedPlace extends ChainHead {
  /** The number of the checkpoint that names the place. */
  readonly checkpoint: number;
}

/** Reads the places after which the chains begin since the last prune. */
export async function readPruned(db: Kysely<Tables>): Promise<readonly PrunedPlace[]> {
  const { rows } = await sql`select * from pruned_chains()`.execute(db);
  return rows
    .map((row) => fromRow<PrunedPlace>(row))
    .map(({ chain, seq, hash, checkpoint }) => ({
      ...{ chain, seq: Number(seq), hash },
      checkpoint: Number(checkpoint),
    }));
}

/** Returns whether a place is pruned, so that the record cannot be compared with it any more. */
export function isPruned(pruned: readonly PrunedPlace[], { chain, seq }: Omit<ChainHead, "hash">): boolean {
  return pruned.some((place) => place.chain === chain && seq < place.seq);
}

/** Returns the starts of the chains, with those that are pruned beyond their start replaced. */
export function beginAfterPruned<Start extends ChainStart>(
  starts: readonly Start[],
  pruned: readonly PrunedPlace[],
): readonly (Start | PrunedPlace)[] {
  const later = pruned.filter(
    ({ chain, seq }) => (starts.find((start) => start.chain === chain)?.seq ?? 0) < seq,
  );
  return [...starts.filter(({ chain }) => later.every((each) => each.chain !== chain)), ...later];
}
