import { readFile, stat } from "node:fs/promises";
import { type ChainHead, headShape, LEGACY } from "../audit/chain.ts";
import { headsOf, parseAnchors } from "../audit/chain-anchors.ts";
import { readExportPlaces, verifyExport } from "../audit/verify-export.ts";
import type { RecordReport } from "../audit/verify-record.ts";
import { TextEncodingError, utf8Text, whyUnreadable } from "../utf8.ts";
import { CommandError } from "./command.ts";

/** Facts from outside the record, which the record must agree with. */
export interface Known {
  readonly trustedKeys: readonly string[] | undefined;
  readonly expected: readonly ChainHead[];
}

/** Verifies an export. @throws CommandError if it cannot be read */
export async function verifyFile(file: string, known: Known): Promise<RecordReport> {
  try {
    return await verifyExport({ file, ...known });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined && !(error instanceof TextEncodingError)) throw error;
    throw new CommandError(`${file} ${whyUnreadable(error)}.`);
  }
}

/** The largest size of an anchor file. A larger file is an export. */
const MAX_ANCHOR_BYTES = 1_000_000;

/** Returns the places of --expect. @throws CommandError */
export async function parseExpectedPlaces(texts: readonly string[]): Promise<readonly ChainHead[]> {
  return (await Promise.all(texts.map(parsePlaces))).flat();
}

/**
 * Returns places that the record must contain. The text is `CHAIN:SEQ:HASH`, or names an earlier export or an anchor
 * file. Earlier releases wrote `SEQ:HASH` for the chain `legacy`.
 * @throws CommandError
 */
async function parsePlaces(text: string): Promise<readonly ChainHead[]> {
  const [, chain = LEGACY, seq, hash = ""] = /^(?:(.+):)?(\d+):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (seq !== undefined) {
    const place = headShape.safeParse({ chain, seq: Number(seq), hash: hash.toLowerCase() });
    if (place.success) return [place.data];
    throw new CommandError(`--expect ${text}: ${seq} is not the number of a record.`);
  }
  const places = await placesIn(text).catch((cause: NodeJS.ErrnoException) => {
    throw new CommandError(
      `--expect takes CHAIN:SEQ:HASH with all 64 digits of the hash, or a file. ${text} cannot be read as a file (${cause.code}).`,
    );
  });
  if (places !== undefined && places.length > 0) return places;
  throw new CommandError(
    `--expect ${text}: the file is neither a whole export nor an anchor file with a place.`,
  );
}

async function placesIn(file: string): Promise<readonly ChainHead[] | undefined> {
  const { size } = await stat(file);
  const anchors = size <= MAX_ANCHOR_BYTES ? parseAnchors(utf8Text(await readFile(file)) ?? "") : undefined;
  return anchors === undefined ? await readExportPlaces(file) : headsOf(anchors);
}
