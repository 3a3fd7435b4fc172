import { readFile, stat } from "node:fs/promises";
import { type ChainPlace, placeShape, RECORD_CHAIN } from "../audit/chain.ts";
import { parseAnchors } from "../audit/chain-anchors.ts";
import { readExportEnd } from "../audit/verify-export.ts";
import { utf8Text } from "../utf8.ts";
import { UsageError } from "./command.ts";

/** Anchor files are far smaller. */
const MAX_ANCHOR_BYTES = 1_000_000;

/**
 * A place that the record has to contain, from `SEQ:HASH`, from an earlier export (its end), or from an anchor file.
 * @throws UsageError
 */
export async function parseExpectedPlace(text: string): Promise<ChainPlace> {
  const [, seq, hash = ""] = /^(\d+):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (seq !== undefined) {
    const place = placeShape.safeParse({ seq: Number(seq), hash: hash.toLowerCase() });
    if (place.success) return place.data;
    throw new UsageError(`--expect ${text}: ${seq} is not the number of a record.`);
  }
  const place = await placeIn(text).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(
      `--expect takes SEQ:HASH with all 64 digits of the hash, or a file. ${text} cannot be read as one (${cause.code}).`,
    );
  });
  if (place !== undefined) return place;
  throw new UsageError(
    `--expect ${text}: the file is neither a whole export nor an anchor file with a place.`,
  );
}

async function placeIn(file: string): Promise<ChainPlace | undefined> {
  const { size } = await stat(file);
  const anchors = size <= MAX_ANCHOR_BYTES ? parseAnchors(utf8Text(await readFile(file)) ?? "") : undefined;
  return anchors === undefined ? await readExportEnd(file) : anchors.get(RECORD_CHAIN);
}
