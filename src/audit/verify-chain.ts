import { type ChainPlace, type ChainProblem, findProblem, GENESIS, type SealedRecord } from "./chain.ts";
import { type Checkpoint, fingerprint, isSignedAsItSays } from "./checkpoint.ts";

/** What a verification found out. */
export interface ChainReport {
  /** The records that were there to look at: none where `last` is before `first`. */
  readonly first: number;
  readonly last: number;
  /** The last place that a signature vouches for. */
  readonly signed: Checkpoint | undefined;
  /** Changes whose outcome is to come, which are not sealed yet; undefined where an export was looked at. */
  readonly unsealed?: number;
  /** The first thing that is wrong; undefined where the record is unbroken. */
  readonly problem: ChainProblem | undefined;
}

export interface ChainVerifierOptions {
  /** The records that are looked at begin after this one; 0 with the first of all. */
  readonly since: number;
  readonly checkpoints: readonly Checkpoint[];
  /** As `encodePublicKey` gives them. Undefined: any key may have signed, so that a signature proves little. */
  readonly trustedKeys: readonly string[] | undefined;
}

/** Follows a chain from record to record and keeps the first thing that is wrong. */
export class ChainVerifier {
  readonly #since: number;
  readonly #checkpoints: ReadonlyMap<number, Checkpoint>;
  #at: { seq: number; hash: string | undefined };
  #signed: Checkpoint | undefined;
  #problem: ChainProblem | undefined;

  constructor({ since, checkpoints, trustedKeys }: ChainVerifierOptions) {
    this.#since = since;
    this.#at = since === 0 ? GENESIS : { seq: since, hash: undefined };
    this.#checkpoints = new Map(checkpoints.map((checkpoint) => [checkpoint.seq, checkpoint]));
    this.#problem = checkpoints
      .map((checkpoint) => findSignatureProblem(checkpoint, trustedKeys))
      .find(Boolean);
  }

  /** The number that the next record should have. */
  get expected(): number {
    return this.#at.seq + 1;
  }

  get hasProblem(): boolean {
    return this.#problem !== undefined;
  }

  add(record: SealedRecord): void {
    if (this.#problem !== undefined) return;
    if (this.#at.hash === undefined)
      this.#compareWithCheckpoint({ seq: this.#since, hash: record.previousHash });
    this.#problem ??= findProblem(record, this.#at);
    if (this.#problem !== undefined) return;
    this.#at = { seq: record.seq, hash: record.hash };
    this.#compareWithCheckpoint(record);
  }

  /** For what is wrong about a record outside the chain itself. */
  fail(problem: ChainProblem): void {
    this.#problem ??= problem;
  }

  /** @param end where the chain is said to end. */
  finish(end: ChainPlace): ChainReport {
    if (this.#problem === undefined && this.#at.hash === undefined) {
      this.#at.hash = end.hash;
      this.#compareWithCheckpoint(end);
    }
    this.#problem ??= this.#findEndProblem(end);
    return { first: this.#since + 1, last: this.#at.seq, signed: this.#signed, problem: this.#problem };
  }

  #findEndProblem(end: ChainPlace): ChainProblem | undefined {
    const { seq, hash } = this.#at;
    const next = { seq: seq + 1, changeId: undefined };
    if (end.seq > seq)
      return { ...next, reason: `it is missing, and so is the rest: the chain ends at ${end.seq}` };
    if (end.seq < seq) return problemOfNone(`the chain ends at ${seq}, and is said to end at ${end.seq}`);
    if (end.hash !== hash) return problemOfNone(`the hash at the end, ${hash}, is said to be ${end.hash}`);
    const later = [...this.#checkpoints.values()].find((checkpoint) => checkpoint.seq > seq);
    if (later) return { ...next, reason: `it is missing: a signed checkpoint is of record ${later.seq}` };
    return undefined;
  }

  #compareWithCheckpoint({ seq, hash }: ChainPlace): void {
    const checkpoint = this.#checkpoints.get(seq);
    if (checkpoint === undefined) return;
    if (checkpoint.hash === hash) {
      this.#signed = checkpoint;
      return;
    }
    const { signedAt } = checkpoint;
    const reason = `rewritten: the checkpoint that was signed there at ${signedAt} has another hash`;
    const from = (this.#signed?.seq ?? this.#since) + 1;
    this.fail(
      seq > this.#since
        ? { seq: from, changeId: undefined, reason: `it or a later one up to ${seq} was ${reason}` }
        : problemOfNone(`what came up to record ${seq} was ${reason}`),
    );
  }
}

function findSignatureProblem(
  checkpoint: Checkpoint,
  trustedKeys: readonly string[] | undefined,
): ChainProblem | undefined {
  const name = `the checkpoint of record ${checkpoint.seq}`;
  if (!isSignedAsItSays(checkpoint)) return problemOfNone(`${name} has no valid signature`);
  if (trustedKeys === undefined || trustedKeys.includes(checkpoint.publicKey)) return undefined;
  return problemOfNone(
    `${name} is signed with the key ${fingerprint(checkpoint.publicKey)}, which is none of those given`,
  );
}

export function problemOfNone(reason: string): ChainProblem {
  return { seq: undefined, changeId: undefined, reason };
}
