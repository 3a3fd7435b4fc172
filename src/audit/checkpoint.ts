import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { type ChainHead, type ChainPlace, headShape, placeShape, sha256Hex } from "./chain.ts";
import { fingerprint, isSignatureOf, type Signature, signText } from "./signing-keys.ts";

/** The previous hash of the first checkpoint. */
export const FIRST_CHECKPOINT = "0".repeat(64);

/** The heads of all chains at a time, before they are signed. */
interface CheckpointContent {
  /** One more than that of the checkpoint before it; the first is 1. */
  readonly number: number;
  /** The hash of the checkpoint before it. */
  readonly previousHash: string;
  /** ISO 8601, by the signer's clock. */
  readonly signedAt: string;
  readonly heads: readonly ChainHead[];
  /**
   * Only of a checkpoint that accepts a restored database: the last checkpoint that the restored database had. Those
   * between the two were lost.
   */
  readonly restored?: { readonly number: number; readonly hash: string } | undefined;
}

/** A signed statement of the heads of all chains at a given time. It holds the hash of the checkpoint before it. */
export interface Checkpoint extends CheckpointContent, Signature {
  /** The exact text that was signed: CheckpointContent as JSON. */
  readonly content: string;
  /** SHA-256 of the content. */
  readonly hash: string;
}

/** A checkpoint as it is stored. */
export type StoredCheckpoint = Pick<Checkpoint, "content" | keyof Signature>;

/** Separates the signatures of checkpoints from other uses of the key. */
const PURPOSE = "cam-mfa-gateway record checkpoint: ";

const shape = z.strictObject({
  number: z.number().int().positive(),
  previousHash: placeShape.shape.hash,
  signedAt: z.string(),
  heads: z.array(headShape),
  restored: z
    .strictObject({ number: z.number().int().nonnegative(), hash: placeShape.shape.hash })
    .optional(),
});

/** Signs the heads of all chains with an Ed25519 private key. */
export function signCheckpoint(statement: CheckpointContent, privateKey: KeyObject): Checkpoint {
  const content = JSON.stringify(statement);
  return {
    ...statement,
    ...{ content, hash: sha256Hex(content) },
    ...signText(PURPOSE + content, privateKey),
  };
}

/** Returns a stored checkpoint, or undefined if it is none. Checks no signature. */
export function parseCheckpoint(stored: StoredCheckpoint): Checkpoint | undefined {
  const { content, publicKey, signature } = stored;
  try {
    const { restored, ...statement } = shape.parse(JSON.parse(content));
    return { ...statement, restored, content, hash: sha256Hex(content), publicKey, signature };
  } catch {
    return undefined;
  }
}

/** A checkpoint of the chain `legacy`, which earlier releases signed. */
export interface LegacyCheckpoint extends ChainPlace, Signature {
  readonly signedAt: string;
}

/** Returns the text that the signature of a checkpoint of `legacy` covers. */
export function legacyStatement({ seq, hash, signedAt }: Omit<LegacyCheckpoint, keyof Signature>): string {
  return `cam-mfa-gateway audit checkpoint: ${seq} ${hash} ${signedAt}`;
}

/** Returns whether the key in the checkpoint made the signature. It does not decide whether to trust that key. */
export function isSignedAsItSays(checkpoint: Checkpoint | LegacyCheckpoint): boolean {
  const text = "content" in checkpoint ? PURPOSE + checkpoint.content : legacyStatement(checkpoint);
  return isSignatureOf(text, checkpoint);
}

/** Returns why a checkpoint proves nothing, or undefined. Undefined keys accept any key, so that it proves little. */
export function findSignatureFault(
  checkpoint: Checkpoint | LegacyCheckpoint,
  trustedKeys: readonly string[] | undefined,
): string | undefined {
  const name =
    "content" in checkpoint
      ? `checkpoint ${checkpoint.number}`
      : `the checkpoint of legacy record ${checkpoint.seq}`;
  if (!isSignedAsItSays(checkpoint)) return `${name} has no valid signature`;
  if (trustedKeys === undefined || trustedKeys.includes(checkpoint.publicKey)) return undefined;
  return `${name} is signed with the key ${fingerprint(checkpoint.publicKey)}, which is not one of the given keys`;
}
