import { createHash } from "node:crypto";
import { z } from "zod";

/**
 * The one chain of releases that had no chain for each account. It is closed. Anchor files have another name for it.
 */
export const LEGACY = "legacy";

/** The chain of events, which belong to no account. */
export const GATEWAY_CHAIN = "gateway";

/** The chain that the signed checkpoints form. Anchors name it. */
export const CHECKPOINTS = "checkpoints";

/** The previous hash of the first record of the chain `legacy`. */
const LEGACY_START = "0".repeat(64);

/** A place in a chain: the number of a record (0 before the first) and the hash up to it. */
export interface ChainPlace {
  readonly seq: number;
  readonly hash: string;
}

/** The last place of a chain. */
export interface ChainHead extends ChainPlace {
  /** `legacy`, `gateway`, or `account:` and the name of an account. */
  readonly chain: string;
}

/** The form of a place in files and on the command line. */
export const placeShape = z.strictObject({
  seq: z.number().int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export const headShape = z.strictObject({ chain: z.string(), ...placeShape.shape });

/** A sealed record. `content` is the exact text that was hashed; undefined if only its digest is known. */
export interface SealedRecord extends ChainHead {
  readonly previousHash: string;
  readonly content: string | undefined;
  /** Of the content; undefined in the chain `legacy`. */
  readonly digest: string | undefined;
}

/** A fault of the record. */
export interface ChainProblem {
  readonly chain: string | undefined;
  /** The number of the record; undefined if the fault belongs to no record. */
  readonly seq: number | undefined;
  /** The id of the change or event in that record, if it can still be read. */
  readonly id: string | undefined;
  readonly reason: string;
}

/** Returns SHA-256 of a text in UTF-8, as 64 hex digits. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Returns the hash before the first record of a chain. It binds the chain to its name and to the end of `legacy`.
 * chain_start in schema/functions.sql computes the same hash.
 */
export function chainStart(chain: string, legacyEnd: string): string {
  return chain === LEGACY ? LEGACY_START : sha256Hex(legacyEnd + chain);
}

/**
 * Returns the hash of a record, or undefined for a record of `legacy` whose content is unknown. All chains but `legacy`
 * hash the digest of the content. extend_chain in schema/functions.sql computes the same hash.
 */
export function hashRecord({
  chain,
  previousHash,
  content,
  digest,
}: Pick<SealedRecord, "chain" | "previousHash" | "content" | "digest">): string | undefined {
  if (chain === LEGACY) return content === undefined ? undefined : sha256Hex(previousHash + content);
  const known = content === undefined ? digest : sha256Hex(content);
  return known === undefined ? undefined : sha256Hex(previousHash + known);
}

/**
 * Returns the fault of a record that should follow `before`, or undefined. An undefined `before.hash` matches any
 * previous hash: in a part of a chain, only the first record contains the hash before it.
 */
export function findProblem(
  record: SealedRecord,
  before: { readonly seq: number; readonly hash: string | undefined },
): ChainProblem | undefined {
  const { chain } = record;
  const seq = before.seq + 1;
  const follows = before.hash === undefined || record.previousHash === before.hash;
  if (record.seq !== seq && (before.hash === undefined || !follows)) {
    const reason = `it is missing or out of its place: record ${record.seq} is there instead`;
    return { chain, seq, id: undefined, reason };
  }
  const at = { chain, seq, id: idOf(record.content) };
  if (record.seq !== seq) return { ...at, reason: `its number is ${record.seq}` };
  if (!follows) {
    const reason =
      before.seq === 0
        ? NOT_ITS_START
        : "it does not follow the record before it; one of the two was rewritten";
    return { ...at, reason };
  }
  if (hashRecord(record) !== record.hash) return { ...at, reason: "its hash does not match its content" };
  const account = accountOf(record.content);
  if (
    account !== undefined &&
    chain !== LEGACY &&
    chain !== GATEWAY_CHAIN &&
    chain !== `account:${account}`
  ) {
    return { ...at, reason: `it belongs to another chain, that of the account ${account}` };
  }
  return undefined;
}

const NOT_ITS_START =
  "it does not follow the start of this chain; it comes from another chain, or was rewritten";

/** Returns the id in a sealed text, which may be cut short. */
export function idOf(content = ""): string | undefined {
  // jsonb puts the shortest key first.
  return /^\{\\?"id\\?": \\?"([0-9a-f-]{36})\\?"/.exec(content)?.[1];
}

function accountOf(content: string | undefined): string | undefined {
  try {
    const { account } = JSON.parse(content ?? "{}") as { readonly account?: unknown };
    return typeof account === "string" ? account : undefined;
  } catch {
    return undefined;
  }
}
