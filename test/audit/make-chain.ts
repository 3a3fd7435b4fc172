import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  type ChainHead,
  chainStart,
  hashRecord,
  LEGACY,
  type SealedRecord,
  sha256Hex,
} from "../../src/audit/chain.ts";
import {
  type Checkpoint,
  FIRST_CHECKPOINT,
  type LegacyCheckpoint,
  legacyStatement,
  signCheckpoint,
} from "../../src/audit/checkpoint.ts";
import { formatRecord } from "../../src/audit/export-lines.ts";
import { encodePublicKey, signText } from "../../src/audit/signing-keys.ts";

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** In the form that checkpoints have. */
  readonly encoded: string;
}

export function newSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privateKey, publicKey, encoded: encodePublicKey(publicKey) };
}

export function changeIdAt(seq: number): string {
  return `0199aaaa-0000-7000-8000-${String(seq).padStart(12, "0")}`;
}

/** Texts as jsonb prints them, of every script. */
function contentAt(seq: number, account: string): string {
  return `{"id": "${changeIdAt(seq)}", "code": null, "sent": {"login": {"phone": true}}, "opUin": "1000${seq}", "status": "applied", "account": "${account}", "callerSubject": "Zoë 手机 🔐 \\"quoted\\" \\\\ ${seq}"}`;
}

/** The end of an empty chain `legacy`. */
export const NO_LEGACY = chainStart(LEGACY, "");

/** Records that were sealed one after the other. `rewritten` texts replace the original ones. */
export function makeChain(
  count: number,
  rewritten: Readonly<Record<number, string>> = {},
  { chain = "account:default", legacyEnd = NO_LEGACY } = {},
): SealedRecord[] {
  const records: SealedRecord[] = [];
  for (let seq = 1; seq <= count; seq++) {
    const previousHash = records.at(-1)?.hash ?? chainStart(chain, legacyEnd);
    const content = rewritten[seq] ?? contentAt(seq, chain.replace("account:", ""));
    const digest = chain === LEGACY ? undefined : sha256Hex(content);
    const hash = hashRecord({ chain, previousHash, content, digest }) ?? "";
    records.push({ chain, seq, previousHash, content, digest, hash });
  }
  return records;
}

export function headOf(records: readonly SealedRecord[], seq = records.length): ChainHead {
  const record = records.find((each) => each.seq === seq);
  if (record === undefined) throw new Error(`The record ${seq} does not exist.`);
  return { chain: record.chain, seq, hash: record.hash };
}

/** Signs heads in a checkpoint that follows another one. */
export function signHeads(
  heads: readonly ChainHead[],
  { privateKey }: SigningKey,
  before?: Pick<Checkpoint, "number" | "hash">,
): Checkpoint {
  const statement = {
    number: (before?.number ?? 0) + 1,
    previousHash: before?.hash ?? FIRST_CHECKPOINT,
    signedAt: "2026-11-24T12:00:00.000Z",
    heads,
  };
  return signCheckpoint(statement, privateKey);
}

/** Signs a place of the chain `legacy` as earlier releases did. */
export function signLegacy({ seq, hash }: ChainHead, { privateKey }: SigningKey): LegacyCheckpoint {
  const place = { seq, hash, signedAt: "2026-11-24T12:00:00.000Z" };
  return { ...place, ...signText(legacyStatement(place), privateKey) };
}

interface ExportParts {
  readonly legacyEnd?: string;
  readonly starts?: readonly ChainHead[];
  readonly checkpoints?: readonly Checkpoint[];
  readonly legacyCheckpoints?: readonly LegacyCheckpoint[];
  readonly ends?: readonly ChainHead[];
  readonly shows?: (record: SealedRecord) => boolean;
}

/** An export of chains as the gateway would write it. */
export function exportOf(chains: readonly (readonly SealedRecord[])[], parts: ExportParts = {}): string {
  const { legacyEnd = NO_LEGACY, starts = [], checkpoints = [], legacyCheckpoints = [] } = parts;
  const ends = parts.ends ?? [
    ...(chains.some(([first]) => first?.chain === LEGACY)
      ? []
      : [{ chain: LEGACY, seq: 0, hash: legacyEnd }]),
    ...chains.filter((records) => records.length > 0).map((records) => headOf(records)),
  ];
  const startOf = (chain: string) => starts.find((start) => start.chain === chain)?.seq ?? 0;
  const lines = [
    JSON.stringify({ export: 2, legacyEnd, starts }),
    ...checkpoints.map(({ content, publicKey, signature }) =>
      JSON.stringify({ content, publicKey, signature }),
    ),
    ...legacyCheckpoints.map((checkpoint) => JSON.stringify(checkpoint)),
    ...chains.flatMap((records) =>
      records
        .filter(({ chain, seq }) => seq > startOf(chain))
        .map((record) => formatRecord(record, parts.shows?.(record) ?? true)),
    ),
    JSON.stringify({ ends }),
  ];
  return `${lines.join("\n")}\n`;
}

/** An export as releases with one chain wrote it. */
export function legacyExportOf(
  records: readonly SealedRecord[],
  { since = 0, checkpoints = [] }: { since?: number; checkpoints?: readonly LegacyCheckpoint[] } = {},
): string {
  const lines = records
    .filter(({ seq }) => seq > since)
    .map(({ seq, previousHash, hash, content }) => JSON.stringify({ seq, previousHash, hash, content }));
  const { seq, hash } = records.at(-1) ?? { seq: 0, hash: NO_LEGACY };
  return `${[...lines, JSON.stringify({ since, end: { seq, hash }, checkpoints })].join("\n")}\n`;
}
