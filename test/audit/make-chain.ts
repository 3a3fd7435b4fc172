import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { GENESIS, hashRecord, type SealedRecord } from "../../src/audit/chain.ts";
import { type Checkpoint, encodePublicKey, signCheckpoint } from "../../src/audit/checkpoint.ts";
import { formatEnd, formatRecord } from "../../src/audit/export-record.ts";

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
function contentAt(seq: number): string {
  return `{"id": "${changeIdAt(seq)}", "code": null, "sent": {"login": {"phone": true}}, "opUin": "1000${seq}", "status": "applied", "callerSubject": "Zoë 手机 🔐 \\"quoted\\" \\\\ ${seq}"}`;
}

/** Records that were sealed one after the other. `rewritten` texts replace the original ones. */
export function makeChain(count: number, rewritten: Readonly<Record<number, string>> = {}): SealedRecord[] {
  const records: SealedRecord[] = [];
  for (let seq = 1; seq <= count; seq++) {
    const previousHash = records.at(-1)?.hash ?? GENESIS.hash;
    const content = rewritten[seq] ?? contentAt(seq);
    records.push({ seq, previousHash, content, hash: hashRecord(previousHash, content) });
  }
  return records;
}

export function signAt(
  records: readonly SealedRecord[],
  seq: number,
  { privateKey }: SigningKey,
): Checkpoint {
  const record = records.find((each) => each.seq === seq);
  if (record === undefined) throw new Error(`The record ${seq} does not exist.`);
  return signCheckpoint(record, "2026-11-24T12:00:00.000Z", privateKey);
}

/** An export of the records as the gateway would write it. */
export function exportOf(
  records: readonly SealedRecord[],
  { since = 0, checkpoints = [] }: { since?: number; checkpoints?: readonly Checkpoint[] } = {},
): string {
  const lines = records.filter(({ seq }) => seq > since).map(formatRecord);
  const end = records.at(-1) ?? GENESIS;
  return `${[...lines, formatEnd({ since, end, checkpoints })].join("\n")}\n`;
}
