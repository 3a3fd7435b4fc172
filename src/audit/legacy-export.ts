import { z } from "zod";
import { type ChainPlace, LEGACY, placeShape, type SealedRecord } from "./chain.ts";
import type { LegacyCheckpoint } from "./checkpoint.ts";
import { LINES, parseLine } from "./export-lines.ts";

/** The last line of an export by a release with one chain. It has records of `legacy` alone, and no header. */
export interface LegacyExportEnd {
  /** The export begins after this record. With 0 it begins with the first record. */
  readonly since: number;
  /** The end of the chain at the time of the export. */
  readonly end: ChainPlace;
  /** The checkpoints from `since` on, in order. */
  readonly checkpoints: readonly LegacyCheckpoint[];
}

const { seq, hash } = placeShape.shape;
const recordShape = z.strictObject({ seq: seq.positive(), previousHash: hash, hash, content: z.string() });
const endShape: z.ZodType<LegacyExportEnd> = z.strictObject({
  since: seq,
  end: placeShape,
  checkpoints: z.array(LINES.legacyCheckpoint),
});

export function parseLegacyRecord(line: Uint8Array): SealedRecord | undefined {
  const record = parseLine(line, recordShape);
  return record && { ...record, chain: LEGACY, digest: undefined };
}

export function parseLegacyEnd(line: Uint8Array): LegacyExportEnd | undefined {
  return parseLine(line, endShape);
}
