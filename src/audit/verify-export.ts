import { z } from "zod";
import {
  CHECKPOINTS,
  type ChainHead,
  type ChainPlace,
  idOf,
  LEGACY,
  placeShape,
  type SealedRecord,
} from "./chain.ts";
import { type LegacyCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import {
  type ExportedRecord,
  type ExportHeader,
  LINES,
  linesOf,
  parseLine,
  surveyLines,
} from "./export-lines.ts";
import { type RecordReport, RecordVerifier } from "./verify-record.ts";

interface VerifyExportOptions {
  readonly file: string;
  /** In the form of `encodePublicKey`; undefined if no key is known. */
  readonly trustedKeys: readonly string[] | undefined;
  /** Places that the record must contain, known from elsewhere. */
  readonly expected?: readonly ChainHead[];
  /** How many lines come before the export in the file. Default: 0. */
  readonly skip?: number;
  /** Receives each record whose place is proven so far, in the order of the file. */
  readonly onRecord?: (record: SealedRecord) => void;
}

const NO_END = "the last line, which says where the chains end, is missing or damaged";

/**
 * Verifies every byte of an exported file, without a database. Reads the file twice, because its last line contains the
 * ends of the chains. Keeps one line in memory.
 */
export async function verifyExport(options: VerifyExportOptions): Promise<RecordReport> {
  const { count, firstLine, lastLine } = await surveyLines(options.file, options.skip);
  const header = firstLine && parseLine(firstLine, LINES.header);
  if (header !== undefined) return verifyChains(options, header, count, lastLine);
  if (firstLine !== undefined && Buffer.from(firstLine).toString("latin1", 0, 9) === '{"export"') {
    const verifier = new RecordVerifier({ legacyEnd: "", ...options });
    verifier.fail("the first line, which says where the chains begin, was altered or damaged");
    return verifier.finish([]);
  }
  return verifyLegacy(options, count, firstLine, lastLine && parseLegacyEnd(lastLine));
}

async function verifyChains(
  { file, trustedKeys, expected, skip = 0, onRecord }: VerifyExportOptions,
  { legacyEnd, starts }: ExportHeader,
  count: number,
  lastLine: Uint8Array | undefined,
): Promise<RecordReport> {
  const end = lastLine && parseLine(lastLine, LINES.end);
  const verifier = new RecordVerifier({ legacyEnd, starts, trustedKeys, expected });
  const ends = end?.ends ?? [];
  let hasRecords = false;
  let number = 0;
  for await (const { line } of linesOf(file, skip)) {
    number++;
    if (number === 1 || (number === count && end !== undefined)) continue;
    const record = parseLine(line, LINES.record);
    if (record !== undefined && (end === undefined || ends.some(({ chain }) => chain === record.chain))) {
      hasRecords = true;
      verifier.add(toSealed(record));
      if (!verifier.hasProblem) onRecord?.(toSealed(record));
    } else if (hasRecords || !addCheckpoint(verifier, line)) {
      hasRecords ||= Buffer.from(line).toString("latin1", 0, 8) === '{"chain"';
      // The chains are complete one after the other.
      const at = hasRecords
        ? ends.find(({ chain, seq }) => verifier.chain(chain).next <= seq)?.chain
        : undefined;
      if (at === undefined) verifier.fail(`line ${skip + number} was altered or damaged`);
      else verifier.chain(at).fail(damaged(line, verifier.chain(at).next));
    }
    if (verifier.hasProblem) break;
  }
  if (end === undefined) verifier.fail(NO_END);
  else if (end.ends.find((each) => each.chain === LEGACY)?.hash !== legacyEnd) {
    verifier.fail("the first and the last line differ about the end of legacy");
  }
  return verifier.finish(ends);
}

function toSealed(record: ExportedRecord): SealedRecord {
  return { content: undefined, digest: undefined, ...record };
}

/** Returns false if the line is not a checkpoint. */
function addCheckpoint(verifier: RecordVerifier, line: Uint8Array): boolean {
  const stored = parseLine(line, LINES.checkpoint);
  const checkpoint = stored === undefined ? parseLine(line, LINES.legacyCheckpoint) : parseCheckpoint(stored);
  if (checkpoint !== undefined) verifier.addCheckpoint(checkpoint);
  return checkpoint !== undefined;
}

/** Verifies an export by a release with one chain. */
async function verifyLegacy(
  { file, trustedKeys, expected }: VerifyExportOptions,
  count: number,
  firstLine: Uint8Array | undefined,
  end: LegacyExportEnd | undefined,
): Promise<RecordReport> {
  const first = firstLine && parseLegacyRecord(firstLine);
  const since = end?.since ?? (first === undefined ? 0 : first.seq - 1);
  const verifier = new RecordVerifier({
    legacyEnd: end?.end.hash ?? "",
    starts: [{ chain: LEGACY, seq: since, hash: undefined }],
    trustedKeys,
    expected,
  });
  for (const checkpoint of end?.checkpoints ?? []) verifier.addCheckpoint(checkpoint);
  const chain = verifier.chain(LEGACY);
  let number = 0;
  for await (const { line } of linesOf(file)) {
    number++;
    const isLast = number === count;
    if (isLast && (end !== undefined || !Buffer.from(line).toString("latin1", 0, 7).startsWith('{"seq":')))
      break;
    const record = parseLegacyRecord(line);
    if (record === undefined) chain.fail(damaged(line, chain.next));
    else if (number === 1 && record.seq <= since) {
      verifier.fail(
        `according to the last line the export begins after record ${since}, but it begins earlier`,
      );
    } else verifier.add(record);
    if (verifier.hasProblem) break;
  }
  if (end === undefined) verifier.fail(count === 0 ? "the file is empty" : NO_END);
  return verifier.finish(end === undefined ? [] : [{ chain: LEGACY, ...end.end }]);
}

function damaged(line: Uint8Array, seq: number) {
  const [, content = ""] = /"content":"(.*)/.exec(Buffer.from(line).toString()) ?? [];
  return { seq, id: idOf(content), reason: "its line was altered or damaged" };
}

/**
 * Returns the places that an export proves: its last checkpoint and the ends of its chains. Returns undefined if its
 * last line is missing or damaged.
 */
export async function readExportPlaces(file: string): Promise<readonly ChainHead[] | undefined> {
  const { lastLine } = await surveyLines(file);
  if (lastLine === undefined) return undefined;
  const legacy = parseLegacyEnd(lastLine);
  if (legacy !== undefined) return [{ chain: LEGACY, ...legacy.end }];
  const end = parseLine(lastLine, LINES.end);
  if (end === undefined) return undefined;
  let last: ChainHead | undefined;
  for await (const { line } of linesOf(file)) {
    const stored = parseLine(line, LINES.checkpoint);
    const checkpoint = stored && parseCheckpoint(stored);
    if (checkpoint !== undefined)
      last = { chain: CHECKPOINTS, seq: checkpoint.number, hash: checkpoint.hash };
    else if (last !== undefined) break;
  }
  return [...(last === undefined ? [] : [last]), ...end.ends.filter(({ seq }) => seq > 0)];
}

/** The last line of an export by a release with one chain. It has records of `legacy` alone, and no header. */
interface LegacyExportEnd {
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

function parseLegacyRecord(line: Uint8Array): SealedRecord | undefined {
  const record = parseLine(line, recordShape);
  return record && { ...record, chain: LEGACY, digest: undefined };
}

function parseLegacyEnd(line: Uint8Array): LegacyExportEnd | undefined {
  return parseLine(line, endShape);
}
